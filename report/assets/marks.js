'use strict';
// Numbers, scales and elements: what every chart is made of. It knows no page.

// ---- Writing numbers: the same rules as in metric.cpp.

function decimalsFor(value, digits) {
  return value === 0 ? 0 : Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(value))));
}

function number(value) {
  if (Number.isInteger(value)) return String(value);
  return Math.abs(value) < 1e-4 ? value.toExponential(2) : value.toFixed(decimalsFor(value, 3));
}

function prefixFor(value) {
  const size = Math.abs(value);
  return [[1e9, 'G'], [1e6, 'M'], [1e3, 'k']].find(([factor]) => size >= factor) || [1, ''];
}

function formatValue(metric, value) {
  if (value === null) return '–';
  if (metric.percent) return value.toFixed(2) + ' %';
  const [factor, prefix] = metric.prefixed ? prefixFor(value) : [1, ''];
  return (number(value / factor) + ' ' + prefix + metric.unit).trim();
}

// ---- Scales and elements.

function niceTicks(low, high, count) {
  const raw = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 2.5, 5, 10].find((factor) => raw <= factor * power * 1.0001);
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * (high - low); ++i) ticks.push(i * step);
  return ticks;
}

function paddedRange(values, fraction) {
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    if (value === null) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return [0, 1];
  if (high - low <= 1e-9 * Math.max(Math.abs(low), Math.abs(high))) {
    const margin = low === 0 ? 1 : Math.abs(low) / 10;
    return [low - margin, high + margin];
  }
  return [low - fraction * (high - low), high + fraction * (high - low)];
}

function scale([low, high], from, to) {
  return (value) => from + Math.min(Math.max((value - low) / (high - low), 0), 1) * (to - from);
}

const px = (value) => String(Math.round(value * 10) / 10);

function make(name, attributes, text) {
  const svgNames = ['svg', 'g', 'path', 'line', 'rect', 'circle', 'text'];
  const node = svgNames.includes(name) ? document.createElementNS('http://www.w3.org/2000/svg', name)
                                       : document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

