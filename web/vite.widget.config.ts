import { defineConfig } from 'vite';

import { compressed } from './compressed';

// One file under a name that stays, for shops put its address into their pages. Vite prints its size.
export default defineConfig({
  publicDir: false,
  plugins: [compressed('dist/widget')],
  build: {
    target: 'es2022',
    outDir: 'dist/widget',
    lib: { entry: 'src/widget/countdown.ts', formats: ['es'], fileName: () => 'countdown.js' },
    minify: true,
  },
});
