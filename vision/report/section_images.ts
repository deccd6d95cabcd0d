import type { ImagesMet, SizeMet } from '../data/images_met.node.ts';
import { html } from './html.ts';
import { count, type Section } from './pieces.ts';

const CHANNELS: Readonly<Record<number, string>> = { 1: 'grey', 2: 'grey with alpha', 3: 'colour', 4: 'four channels' };

const size = ({ width, height, count: n }: SizeMet): string => `${width} x ${height} (${count(n)})`;

/** What was met when all images were decoded, a sentence each. */
export function imageSentences({ sizes, channels, equal, unreadable }: ImagesMet): string[] {
  const said: string[] = [];
  if (sizes?.different === 1) said.push(`All images have one size: ${size(sizes.frequent)}.`);
  else if (sizes)
    said.push(
      `Images have ${count(sizes.different)} sizes: most often ${size(sizes.frequent)}, at least ${size(sizes.least)}, at most ${size(sizes.largest)}.`,
    );
  if (channels.length > 0)
    said.push(
      `Channels: ${channels.map(({ channels: n, count: images }) => `${CHANNELS[n] ?? `${n} channels`} (${count(images)})`).join(', ')}.`,
    );
  const pairs = `${count(equal.pairs)} ${equal.pairs === 1 ? 'pair' : 'pairs'} of equal images`;
  const where = equal.onBothSides ? 'on different sides of the split' : 'which a split may put on different sides';
  said.push(
    equal.pairs === 0
      ? `No two images ${equal.onBothSides ? 'on different sides of the split ' : ''}are equal.`
      : `${pairs}${equal.onBothSides ? ' ' : ', '}${where}: ${equal.first.map((ids) => ids.join(' and ')).join('; ')}${equal.pairs > equal.first.length ? '; …' : ''}.`,
  );
  if (unreadable.count > 0)
    said.push(
      `${count(unreadable.count)} ${unreadable.count === 1 ? 'image' : 'images'} cannot be read: ${unreadable.first.join('; ')}${unreadable.count > unreadable.first.length ? '; …' : ''}.`,
    );
  return said;
}

/** Sizes, channels, equal and broken images. */
export const imagesSection = (met: ImagesMet): Section => ({
  id: 'images',
  title: 'The images',
  body: html`<ul>${imageSentences(met).map((sentence) => html`<li>${sentence}</li>`)}</ul>`,
});
