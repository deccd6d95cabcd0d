import type { ElementHandle, Page } from 'puppeteer-core';
import { expect } from 'vitest';
import type { Assignment, Exercise } from '../docs/exercises.ts';

type Place = ElementHandle<Element>;

/** Waits until an exercise says something that fits. */
const heard = (page: Page, place: Place, pattern: RegExp) =>
  page.waitForFunction(
    (section, p) => new RegExp(p).test(section.querySelector('.verdict')!.textContent!),
    {},
    place,
    pattern.source,
  );

async function check(page: Page, place: Place, verdict: RegExp): Promise<void> {
  await (await place.$('form button[type=submit]'))!.click();
  await heard(page, place, verdict);
}

async function type(place: Place, text: string): Promise<void> {
  const box = (await place.$('input[type=text]'))!;
  await box.evaluate((input) => ((input as HTMLInputElement).value = ''));
  await box.type(text);
}

async function choose(page: Page, figure: Place, cell: string): Promise<void> {
  const found = (await figure.$(`[data-cell="${cell}"]`))!;
  expect(found, `the figure has a cell ${cell}`).not.toBeNull();
  await found.evaluate((element) => element.scrollIntoView({ block: 'center' }));
  await found.click();
  await page.waitForFunction((element) => element.classList.contains('selected'), {}, found);
}

/** Sets a cell's number, or a slider or a list by its name, as a reader would. */
async function set(page: Page, figure: Place, [name, value]: Assignment): Promise<void> {
  if (name.includes('[')) await choose(page, figure, name);
  const control = (await figure.$(name.includes('[') ? '.editor input' : `[name="${name}"]`))!;
  expect(control, `the figure has a control for ${name}`).not.toBeNull();
  await control.evaluate((element, v) => {
    (element as HTMLInputElement).value = String(v);
    for (const event of ['input', 'change']) element.dispatchEvent(new Event(event, { bubbles: true }));
  }, value);
}

async function solve(page: Page, exercise: Exercise, place: Place): Promise<void> {
  const figure = (await page.$$('section.live'))[exercise.figureIndex];
  if (exercise.kind === 'number') {
    const { value, tolerance } = exercise;
    await check(page, place, /Type a number/);
    await type(place, String(value + 2 * tolerance + 1));
    await check(page, place, /is not right/);
    await type(place, String(value).replace('.', ','));
    await check(page, place, /^Right/);
  } else if (exercise.kind === 'choice') {
    const radios = await place.$$('input[type=radio]');
    expect(radios).toHaveLength(exercise.items);
    await check(page, place, /Choose one/);
    await radios[exercise.value % exercise.items].click();
    await check(page, place, /is not right/);
    await radios[exercise.value - 1].click();
    await check(page, place, /^Right/);
  } else if (exercise.kind === 'cell') {
    const others = await figure.$$eval('[data-cell]', (cells) => cells.map((cell) => cell.getAttribute('data-cell')!));
    const of = exercise.value.replace(/\[.*/, '');
    await choose(page, figure, others.find((cell) => cell.startsWith(`${of}[`) && cell !== exercise.value)!);
    await check(page, place, /is not the one/);
    await choose(page, figure, exercise.value);
    await check(page, place, /^Right/);
  } else {
    expect(await place.$eval('.verdict', (said) => said.textContent)).toBe('');
    for (const assignment of exercise.by) await set(page, figure, assignment);
    await heard(page, place, /^Right/);
  }
}

/** Answers every exercise of a page wrongly, then rightly: it is told so, and the page keeps that it is solved. */
export async function solveAll(page: Page, exercises: readonly Exercise[]): Promise<void> {
  const places = await page.$$('section.exercise');
  expect(places).toHaveLength(exercises.length);
  for (const [i, exercise] of exercises.entries()) {
    expect(await places[i].$eval('details', (answer) => (answer as HTMLDetailsElement).open)).toBe(false);
    await solve(page, exercise, places[i]);
    expect(await places[i].$eval('details', (answer) => (answer as HTMLDetailsElement).open)).toBe(true);
    expect(await places[i].$eval('.solved', (mark) => (mark as HTMLElement).hidden)).toBe(false);
  }
  const kept = await page.evaluate(() => JSON.parse(localStorage.getItem('tuningfork.solved') ?? '{}') as object);
  const name = new URL(page.url()).pathname.replace(/^\/|\.html$/g, '');
  if (exercises.length > 0) expect(Reflect.get(kept, name)).toEqual(exercises.map((_, i) => i));
}
