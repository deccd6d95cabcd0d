/**
 * Shows a sentence at the page's place for messages; an error is shown as one. An empty text takes the message away.
 */
export function showMessage(place: HTMLElement, what: unknown): void {
  const failed = what instanceof Error;
  place.classList.toggle('error', failed);
  place.setAttribute('role', failed ? 'alert' : 'status');
  place.textContent = failed ? capital(what.message) : String(what);
}

/** What a page computes on in a browser without WebGPU: see web/plain. */
export const WITHOUT_GPU = 'JavaScript';

/** What a page computes on, as a sentence. */
export const computingOn = (adapter: string, software: boolean): string =>
  adapter === WITHOUT_GPU
    ? 'This browser has no WebGPU: the numbers are computed in JavaScript, in float64, slowly.'
    : `Computing on ${adapter}${software ? ', which is the CPU and no GPU: slow, but correct' : ''}.`;

/** As a sentence is written; a file's name that one begins with stays as it is. */
const capital = (text: string): string =>
  `${/^\S+\.\w/.test(text) ? text : `${text.charAt(0).toUpperCase()}${text.slice(1)}`}${/[.!?]$/.test(text) ? '' : '.'}`;
