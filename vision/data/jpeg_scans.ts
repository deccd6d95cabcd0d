import { UserError } from '../../engine/user_error.ts';

/** Scans of one JPEG file: encoders write one to some twenty; each is a pass over all pixels. */
export const MAX_SCANS = 100;
/** Scans times pixels: 32 of the largest image. What is beyond takes longer than anyone waits. */
const MAX_WORK = 32 * 4096 * 4096;

const START_OF_SCAN = 0xda;
const END_OF_IMAGE = 0xd9;
/** 00 is a stuffed byte and D0 to D7 restart a scan: neither ends one. 01 and FF have no length either. */
const standsAlone = (marker: number): boolean =>
  marker === 0 || marker === 1 || marker === 0xff || (marker >= 0xd0 && marker <= 0xd8);

/** Counts the scans of a JPEG file by its markers (ITU T.81, B.1), without decoding them. */
export function countScans(bytes: Uint8Array): number {
  let scans = 0;
  for (let at = 2; ; ) {
    at = bytes.indexOf(0xff, at);
    if (at < 0 || at + 3 >= bytes.length) return scans;
    const marker = bytes[at + 1];
    if (marker === END_OF_IMAGE) return scans;
    if (marker === START_OF_SCAN) scans++;
    if (marker === 0xff) at += 1;
    else at += 2 + (standsAlone(marker) ? 0 : Math.max(2, bytes[at + 2] * 256 + bytes[at + 3]));
  }
}

/**
 * Refuses a JPEG file that takes a few bytes and minutes.
 * @param file what errors call it
 * @throws UserError for over 100 scans, or fewer of a large image
 */
export function checkScans(
  bytes: Uint8Array,
  { width, height }: { width: number; height: number },
  file: string,
): void {
  const scans = countScans(bytes);
  const most = Math.min(MAX_SCANS, Math.floor(MAX_WORK / (width * height)));
  if (scans > most) {
    throw new UserError(
      `${file} has ${scans} scans; a JPEG of ${width} x ${height} pixels may have ${most}: save it as a baseline JPEG`,
    );
  }
}
