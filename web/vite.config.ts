import { defineConfig } from "vite";

// The page lies under /page/ on the node, and asks nothing of anyone else.
export default defineConfig({
  base: "/page/",
  publicDir: "build/public",
  build: {
    outDir: "../src/detente/doors/pages",
    emptyOutDir: true,
    target: "es2022",
    // A font or picture inside the style would need more than 'self'.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1_200,
  },
});
