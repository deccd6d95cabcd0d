import { expect, it, vi } from 'vitest';
import { madeUpData } from './report_fixture.ts';

vi.mock('vega', () => {
  throw new Error('vega was loaded');
});

it('loads the drawing library only when there is something to draw', async () => {
  const { renderStats } = await import('../../galaxies/report/stats.ts');
  const bare = { ...madeUpData(), votes: null, thresholds: [], sheets: [] };
  await expect(renderStats({ title: 'bare', data: bare })).resolves.toContain('made-up galaxies');
  await expect(renderStats({ title: 'drawn', data: madeUpData() })).rejects.toThrow();
});
