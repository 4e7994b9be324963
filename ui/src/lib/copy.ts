/** Puts what stands in a field on the clipboard. Whether it came there; where not, the text is selected for the hand. */
export async function copyFrom(field: HTMLInputElement | HTMLTextAreaElement): Promise<boolean> {
  field.focus();
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    // Some webviews have no clipboard for pages, or none for this one; nearly all still know the command.
    return typeof document.execCommand === 'function' && document.execCommand('copy');
  }
}
