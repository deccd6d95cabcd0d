/** Shows a sentence at the page's place for messages; an error is shown as one. An empty text takes the message away. */
export function showMessage(place: HTMLElement, what: unknown): void {
  const failed = what instanceof Error;
  place.classList.toggle('error', failed);
  place.setAttribute('role', failed ? 'alert' : 'status');
  place.textContent = failed ? capital(what.message) : String(what);
}

const capital = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
