/**
 * The Content-Security-Policy of the site, in its pages and in what `tuningfork serve` answers: scripts, styles,
 * fonts and workers of the site itself, pictures of its own making, no other host, no frame, no form.
 */
export const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; worker-src 'self'; img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'";
