// Paints the charts of the past: puts the theme's colours in where a figure names a token, and again when the system turns light or dark.
(() => {
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
        const style = getComputedStyle(document.documentElement);
        return ['offered', 'service_level_pct', 'abandoned', 'aht_s', 'agents'].map((chart) => tokens(figures?.[chart] ?? { data: [] }, style));
      },
    },
  });
  const repaint = () => {
    if (document.getElementById('intraday')) window.dash_clientside.set_props('intraday-theme', { data: Date.now() });
  };
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', repaint);
})();
