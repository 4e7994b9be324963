/** Copies a field's text to the clipboard. Returns whether that worked; if not, it selects the text for the person. */
export async function copyFrom(field: HTMLInputElement | HTMLTextAreaElement): Promise<boolean> {
  field.focus();
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    // Some webviews have no clipboard for pages, or deny access; nearly all still support the command.
    return typeof document.execCommand === 'function' && document.execCommand('copy');
  }
}
