import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

import { compressed } from './compressed';
import { inlined } from './inlined';

// The service that `npm run dev` talks to; its own console is served at the same port without this.
const SERVICE = process.env.TONGDAN_URL ?? 'http://127.0.0.1:8101';

export default defineConfig({
  plugins: [react(), inlined(), compressed('dist')],
  build: { target: 'es2022', assetsInlineLimit: 0, chunkSizeWarningLimit: 1200 },
  server: { proxy: { '/api': SERVICE, '/session': SERVICE } },
});
