// node latest-json.mjs VERSION BASE FOLDER: prints what the app's updater reads of a release (Tauri, "Static JSON File"): each signed
// file of the folder, with its signature, below the address BASE. It fails where a system would be left without one.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [version, base, folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error('usage: node latest-json.mjs VERSION BASE FOLDER');
  process.exit(2);
}

// By how the file ends: as what the updater looks for it.
const TARGETS = [
  ['.AppImage', 'linux-x86_64'],
  ['.app.tar.gz', 'darwin-aarch64'],
  ['-setup.exe', 'windows-x86_64-nsis'],
  ['.msi', 'windows-x86_64-msi'],
];

const files = readdirSync(folder);
const platforms = {};
for (const [end, target] of TARGETS) {
  const found = files.filter((file) => file.endsWith(end));
  if (found.length !== 1 || !files.includes(`${found[0]}.sig`)) {
    console.error(`latest-json: one file *${end} with its signature is needed, and there is: ${found.join(' ') || 'none'}`);
    process.exit(1);
  }
  const signature = readFileSync(join(folder, `${found[0]}.sig`), 'utf8').trim();
  platforms[target] = { url: `${base}/${encodeURIComponent(found[0])}`, signature };
}
console.log(JSON.stringify({ version, platforms }, null, 2));
