import { expect, it } from 'vitest';
import { lacking } from '../../cli/release.mjs';

const READY = {
  version: '1.2.3',
  locked: '1.2.3',
  changelog: '# Changelog\n\n## [1.2.3] - 2030-01-31\n\n## [1.2.2] - 2030-01-01\n',
  status: '',
  tags: ['v1.2.2'],
};

it('lets a release go on that has all', () => expect(lacking(READY)).toEqual([]));

it.each([
  ['no version', { version: '1.2', locked: '1.2', changelog: '## [1.2] - 2030-01-31' }, /1\.2 is no version/],
  ['another version locked', { locked: '1.2.2' }, /package-lock.json has the version 1\.2\.2/],
  ['no section', { changelog: '## [1.2.2] - 2030-01-01' }, /no section \[1\.2\.3\]/],
  ['a section of another version that looks alike', { changelog: '## [1x2.3] - 2030-01-01' }, /no section/],
  ['no date', { changelog: '## [1.2.3] - unreleased' }, /dated "unreleased"/],
  ['a tag that is there', { tags: ['v1.2.3'] }, /tag v1\.2\.3 is there already/],
  ['changes', { status: ' M README.md' }, /working tree has changes.*\n M README\.md/],
])('says what is missing: %s', (_, state, sentence) => {
  const found = lacking({ ...READY, ...state });
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(sentence);
});
