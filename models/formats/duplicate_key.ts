/**
 * The first key that an object of this JSON text names twice, or null. JSON.parse keeps the last of the two in silence,
 * so that two readers could see two different files in one. The text must be valid JSON already.
 */
export function duplicateKey(json: string): string | null {
  const open: (Set<string> | null)[] = []; // the keys seen of each object being read; null for an array
  for (let i = 0; i < json.length; i++) {
    const c = json[i];
    if (c === '{') open.push(new Set());
    else if (c === '[') open.push(null);
    else if (c === '}' || c === ']') open.pop();
    else if (c === '"') {
      const end = stringEnd(json, i);
      const keys = open[open.length - 1];
      if (keys && isKey(json, end)) {
        const key = JSON.parse(json.slice(i, end)) as string;
        if (keys.has(key)) return key;
        keys.add(key);
      }
      i = end - 1;
    }
  }
  return null;
}

/** The index after the closing quote of the string that opens at `start`. */
function stringEnd(json: string, start: number): number {
  let i = start + 1;
  while (json[i] !== '"') i += json[i] === '\\' ? 2 : 1;
  return i + 1;
}

function isKey(json: string, end: number): boolean {
  let i = end;
  while (' \t\r\n'.includes(json[i])) i++;
  return json[i] === ':';
}
