/**
 * What `?embed` or `?embed=2` in the address asks for, where the page is a part of another one: then it is marked, and
 * site.css leaves out its header. Undefined where the page is seen by itself.
 */
export function embedded(): string | undefined {
  const wanted = new URLSearchParams(location.search).get('embed');
  if (wanted === null) return undefined;
  document.documentElement.classList.add('embed');
  return wanted;
}
