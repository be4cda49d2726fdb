/** The file name that the server gives a download in `Content-Disposition`; `fallback` where it gives none. */
export function fileName(disposition: string | null, fallback: string): string {
  return /filename="?([^";]+)"?/.exec(disposition ?? "")?.[1] ?? fallback;
}

/** Puts bytes into the browser's downloads. */
export function saveFile(content: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  // The browser has taken hold of the bytes once the click has run its course.
  setTimeout(() => {
    URL.revokeObjectURL(link.href);
  }, 0);
}
