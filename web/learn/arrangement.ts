/**
 * How an array lies as tiles of pixels: one tile a channel, or one a pair of channels. Rows and columns count over all
 * tiles.
 */
export interface Arrangement {
  readonly tileHeight: number;
  readonly tileWidth: number;
  readonly tileRows: number;
  readonly tileColumns: number;
  /** The element at a row and column of the whole; undefined where the last row of tiles has none. */
  indexAt(row: number, column: number): readonly number[] | undefined;
  placeOf(index: readonly number[]): { readonly row: number; readonly column: number };
}

/** Tiles in as few rows as `columns` allow, one for each channel of [1, H, W, C]. */
function channels([, height, width, count]: readonly number[]): Arrangement {
  const tileColumns = count <= 3 ? count : Math.ceil(count / 2);
  return {
    tileHeight: height,
    tileWidth: width,
    tileColumns,
    tileRows: Math.ceil(count / tileColumns),
    indexAt(row, column) {
      const c = Math.floor(row / height) * tileColumns + Math.floor(column / width);
      return c < count ? [0, row % height, column % width, c] : undefined;
    },
    placeOf: ([, h, v, c]) => ({
      row: Math.floor(c / tileColumns) * height + h,
      column: (c % tileColumns) * width + v,
    }),
  };
}

/** Filters [r, s, C, K]: a column of tiles for each k, a row for each c. */
function filters([height, width, tileRows, tileColumns]: readonly number[]): Arrangement {
  return {
    tileHeight: height,
    tileWidth: width,
    tileRows,
    tileColumns,
    indexAt: (row, column) => [row % height, column % width, Math.floor(row / height), Math.floor(column / width)],
    placeOf: ([r, s, c, k]) => ({ row: c * height + r, column: k * width + s }),
  };
}

/** Dense weights [H·W·C, K] over maps [1, H, W, C]: a row of tiles for each k, a column for each c. */
function dense([, height, width, count]: readonly number[], tileRows: number): Arrangement {
  return {
    tileHeight: height,
    tileWidth: width,
    tileRows,
    tileColumns: count,
    indexAt: (row, column) => [
      ((row % height) * width + (column % width)) * count + Math.floor(column / width),
      Math.floor(row / height),
    ],
    placeOf([i, k]) {
      const pixel = Math.floor(i / count);
      return { row: k * height + Math.floor(pixel / width), column: (i % count) * width + (pixel % width) };
    },
  };
}

/** Numbers without space, [K] or [1, K]: side by side. */
function side(shape: readonly number[]): Arrangement {
  const count = shape[shape.length - 1];
  const before = shape.slice(0, -1).map(() => 0);
  return {
    tileHeight: 1,
    tileWidth: 1,
    tileRows: 1,
    tileColumns: count,
    indexAt: (_, column) => [...before, column],
    placeOf: (index) => ({ row: 0, column: index[index.length - 1] }),
  };
}

/** Of a layer's output. */
export const mapTiles = (shape: readonly number[]): Arrangement => (shape.length === 4 ? channels(shape) : side(shape));

/** Of a parameter; `before` is the shape of the maps, or numbers, that its layer is applied to. */
export function parameterTiles(shape: readonly number[], before: readonly number[]): Arrangement {
  if (shape.length === 4) return filters(shape);
  if (shape.length === 3) return depthwise(shape);
  if (shape.length === 2) return dense(before.length === 4 ? before : [1, 1, before[1], 1], shape[1]);
  return side(shape);
}

/** Depthwise filters [r, s, C]: a tile for each channel. */
function depthwise(shape: readonly number[]): Arrangement {
  const tiles = channels([1, ...shape]);
  return {
    ...tiles,
    indexAt: (row, column) => tiles.indexAt(row, column)?.slice(1),
    placeOf: (index) => tiles.placeOf([0, ...index]),
  };
}
