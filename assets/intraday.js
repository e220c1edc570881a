// Paints the charts of the past: puts the theme's colours in where a figure names a token, and again when the system turns light or dark.
// A page that runs is painted at least once a minute; when that stops, it says so.
(() => {
  const STALE_MS = 120_000;
  let painted = performance.now();
  const tokens = (value, style) => {
    if (typeof value === 'string') {
      const name = /^var\((--[\w-]+)\)$/.exec(value);
      return name ? style.getPropertyValue(name[1]).trim() : value;
    }
    if (Array.isArray(value)) return value.map((each) => tokens(each, style));
    if (value && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, tokens(each, style)]));
    return value;
  };
  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    intraday: {
      paint(figures) {
        painted = performance.now();
        document.getElementById('intraday')?.removeAttribute('data-stale');
        const style = getComputedStyle(document.documentElement);
        return ['offered', 'service_level_pct', 'abandoned', 'aht_s', 'agents'].map((chart) => tokens(figures?.[chart] ?? { data: [] }, style));
      },
    },
  });
  const repaint = () => {
    if (document.getElementById('intraday')) window.dash_clientside.set_props('intraday-theme', { data: Date.now() });
  };
  setInterval(() => {
    const page = document.getElementById('intraday');
    if (page?.dataset.running === 'true' && performance.now() - painted > STALE_MS) page.setAttribute('data-stale', 'true');
  }, 5_000);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', repaint);
})();
