"""TypeScript types of everything the console asks: written from the same models that the server answers by, so neither can drift."""
