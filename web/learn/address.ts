import { isState, MOST_STEPS, toHash, type PageState } from './link.ts';

/** Milliseconds without a change after which the address says where the page stands. */
const PAUSE = 300;

/**
 * The page's state in its address. A new run is an entry of the browser's history, so that Back leads to the run
 * before; what changes within a run changes the entry.
 */
export class Address {
  private waiting: PageState | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isNew = false;

  /** @param open told to open what the address says, when one goes back or on, or writes another */
  constructor(open: (hash: string) => void) {
    window.addEventListener('popstate', () => {
      this.forget();
      if (isState(location.hash) || location.hash === '') open(location.hash);
    });
  }

  /** Notes where the page stands, soon. */
  note(state: PageState): void {
    this.waiting = state;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.write(), PAUSE);
  }

  /** What is noted next is a new run. */
  begin(): void {
    this.write();
    this.isNew = true;
  }

  /** What is noted is written at once. */
  write(): void {
    const state = this.waiting;
    const isNew = this.isNew;
    if (!state) return;
    this.forget();
    const hash = toHash(state);
    if (hash === location.hash) return;
    const address = `${location.pathname}${location.search}${hash}`;
    if (isNew) history.pushState(null, '', address);
    else history.replaceState(null, '', address);
  }

  /** Copies the link to where the page stands; returns what to say of it. */
  async copy({ step, isOwn }: { readonly step: number; readonly isOwn: boolean }): Promise<string> {
    if (isOwn) return 'A link cannot hold images of your own: it is copied for galaxies only.';
    this.write();
    try {
      await navigator.clipboard.writeText(location.href);
    } catch {
      return 'The browser does not let this page copy. The address of the page is the link: copy it.';
    }
    return step > MOST_STEPS
      ? `The link is copied. It opens this page at step ${MOST_STEPS}: a link trains no further.`
      : 'The link is copied. It opens this page as it is.';
  }

  private forget(): void {
    clearTimeout(this.timer);
    [this.waiting, this.isNew] = [undefined, false];
  }
}
