import { svelte } from '@sveltejs/vite-plugin-svelte';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

/** What is in the catalogues for whoever translates them does not go into the window. */
const withoutComments: Plugin = {
  name: 'catalogues-without-comments',
  transform(code, id) {
    if (!id.endsWith('.ftl?raw')) return null;
    const lines = (JSON.parse(code.replace(/^export default /u, '')) as string).split('\n');
    const said = lines.filter((line) => line !== '' && !line.startsWith('#')).join('\n');
    return { code: `export default ${JSON.stringify(said)}`, map: null };
  },
};

export default defineConfig(({ mode }) => ({
  plugins: [svelte(), withoutComments],
  clearScreen: false,
  resolve: {
    alias: {
      // The demo mode swaps the one seam to the host, so that nothing of the mock can reach a real build.
      $host: mode === 'demo' ? '/src/dev/host.ts' : '/src/lib/host.ts',
    },
    // Without this, tests would load Svelte's server half, which cannot mount anything.
    ...(mode === 'test' ? { conditions: ['browser'] } : {}),
  },
  // The catalogues of strings lie beside this folder, for the host reads them, too. Tests read in its sources, which
  // problems that it may report.
  server: { port: 5173, strictPort: true, fs: { allow: mode === 'test' ? ['..'] : ['.', '../locales'] } },
  build: {
    outDir: 'dist',
    // The oldest webviews with `oklch()`; what today's systems ship is newer.
    target: ['es2022', 'safari16.4', 'chrome111'],
    // The content policy allows neither inline scripts nor `data:` addresses.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
  test: {
    environment: 'jsdom',
    include: ['tests/**/*.test.ts'],
    setupFiles: ['tests/setup.ts'],
    // Wording depends on the zone; one with a known offset keeps the tables readable.
    env: { TZ: 'Europe/Berlin' },
  },
}));
