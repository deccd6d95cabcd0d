/** `12 MiB`: an amount of memory for messages and tables. */
export const mebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;
