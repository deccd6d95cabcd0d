/** What the layer of a parameter is called: `stem.conv` of `stem.conv.w`. */
export const stemOf = (parameter: string | undefined): string | undefined =>
  parameter?.replace(/(?<=.)[./_](w|b|weight|bias|gamma|stats|w_0|b_0)$/, '');
