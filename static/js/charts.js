// Draws <div data-chart="#id-of-json" data-vendor="…/echarts.js">. The table beside every chart says
// the same in words, so a page without this file loses nothing but the picture. Colours are the
// tokens of the theme in force; tooltips are drawn on the canvas because the policy of these pages
// allows no inline styles.

const INKS = ["--m5", "--il-amber", "--il-leaf", "--m3", "--il-clay", "--il-coal"];
const drawn = new Map();

function token(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function number(value, places = 0) {
  return Number(value).toLocaleString("zh-CN", {
    minimumFractionDigits: places,
    maximumFractionDigits: places,
  });
}

// What stands at an axis: as many places as the value needs, and no more than the data has.
function scale(value, most = 0) {
  return Number(value).toLocaleString("zh-CN", { maximumFractionDigits: most });
}

function tooltip(data, kind) {
  return {
    trigger: "axis",
    renderMode: "richText",
    confine: true,
    axisPointer: { type: kind === "bar" ? "shadow" : "line", lineStyle: { color: token("--edge") } },
    backgroundColor: token("--ink"),
    borderWidth: 0,
    textStyle: { color: token("--ground"), fontSize: 13 },
    valueFormatter: (value) => (value == null ? "—" : `${number(value, data.places)} ${data.unit ?? ""}`),
  };
}

function series(data, one, index) {
  const colour = token(one.ink ?? INKS[index % INKS.length]);
  const common = { name: one.name, data: one.values, color: colour, emphasis: { focus: "series" } };
  if (data.kind === "bar") {
    const round = data.stacked ? 0 : 2;
    return {
      ...common,
      type: "bar",
      stack: data.stacked ? "all" : undefined,
      barMaxWidth: 28,
      itemStyle: {
        borderRadius: data.sideways ? [0, round, round, 0] : [round, round, 0, 0],
        borderColor: token("--surface"),
        borderWidth: data.stacked ? 1 : 0,
      },
    };
  }
  return {
    ...common,
    type: "line",
    symbol: one.values.length > 40 ? "none" : "circle",
    symbolSize: 5,
    lineStyle: { width: 2.5, type: one.dashed ? [6, 4] : "solid" },
    areaStyle: index === 0 && !one.dashed ? { color: token("--m1"), opacity: 0.6 } : undefined,
    endLabel: { show: false },
  };
}

function optionOf(data) {
  const names = {
    type: "category",
    data: data.labels,
    boundaryGap: data.kind === "bar",
    inverse: Boolean(data.sideways),
    axisLabel: { color: token("--ink-2"), fontSize: 12, hideOverlap: true },
    axisLine: { lineStyle: { color: token("--edge") } },
    axisTick: { show: false },
  };
  const values = {
    type: "value",
    axisLabel: { color: token("--ink-2"), fontSize: 12, formatter: (value) => scale(value, data.places) },
    splitLine: { lineStyle: { color: token("--line") } },
    splitNumber: 4,
  };
  return {
    animation: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    animationDuration: 240,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
    grid: { left: 8, right: 16, top: data.series.length > 1 ? 36 : 12, bottom: 4, containLabel: true },
    legend:
      data.series.length > 1
        ? {
            left: 0,
            top: 0,
            icon: "roundRect",
            itemWidth: 16,
            itemHeight: 4,
            textStyle: { color: token("--ink-2") },
          }
        : undefined,
    tooltip: tooltip(data, data.kind),
    xAxis: data.sideways ? values : names,
    yAxis: data.sideways ? names : values,
    series: data.series.map((one, index) => series(data, one, index)),
  };
}

async function draw(place) {
  if (drawn.has(place)) return;
  const source = document.querySelector(place.dataset.chart);
  if (!source) return;
  const data = JSON.parse(source.textContent);
  const { default: echarts } = await import(place.dataset.vendor);
  place.classList.add("drawn");
  const chart = echarts.init(place, null, { renderer: "canvas" });
  chart.setOption(optionOf(data));
  if (data.links) {
    chart.on("click", (event) => {
      const link = data.links[event.dataIndex];
      if (link) location.assign(link);
    });
  }
  drawn.set(place, { chart, data });
  new ResizeObserver(() => chart.resize()).observe(place);
}

// A chart further down is fetched and drawn when it comes near.
const near = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      near.unobserve(entry.target);
      draw(entry.target);
    }
  },
  { rootMargin: "400px" },
);

for (const place of document.querySelectorAll("[data-chart]")) near.observe(place);

document.addEventListener("themechange", () => {
  for (const { chart, data } of drawn.values()) chart.setOption(optionOf(data), true);
});
