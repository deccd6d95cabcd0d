export function bundle(): Promise<void>;
export function declarations(folder?: string): void;
