/**
 * Lets the keyboard scroll what is wider than its place, and only that: a formula that fits is no stop on the way of
 * Tab. Looks again whenever a place or what is in it changes its size.
 */
export function stopAtScrolls(selector: string): void {
  const look = (place: HTMLElement): void => {
    if (place.scrollWidth > place.clientWidth) place.tabIndex = 0;
    else place.removeAttribute('tabindex');
  };
  const observer = new ResizeObserver((entries) => {
    for (const { target } of entries) look(target.closest<HTMLElement>(selector)!);
  });
  for (const place of document.querySelectorAll<HTMLElement>(selector))
    for (const element of [place, ...place.children]) observer.observe(element);
}
