// What would Grafana show of these panels? Its own library reads them: transformations, overrides, texts and colours.
//
// stdin: [{panel: as in a dashboard, answers: {refId: samples of an instant query}}]
// stdout: of each panel its frames, of each frame its fields: {name, type, cells: [{text, color, value}]}
const { readFileSync } = require("node:fs");
const grafana = require("@grafana/data");
const { lastValueFrom } = require("rxjs");
Object.assign(globalThis, { window: {}, navigator: { languages: ["en-US"] } }); // it expects to be in a browser

// Which settings of a field our panels use, and by what Grafana reads them; its server registers the same ones.
const SETTINGS = {
  displayName: grafana.displayNameOverrideProcessor,
  unit: grafana.unitOverrideProcessor,
  min: grafana.numberOverrideProcessor,
  max: grafana.numberOverrideProcessor,
  decimals: grafana.numberOverrideProcessor,
  color: grafana.identityOverrideProcessor,
  mappings: grafana.valueMappingsOverrideProcessor,
  thresholds: grafana.thresholdsOverrideProcessor,
};
const settings = new grafana.Registry(() => [
  ...Object.entries(SETTINGS).map(([id, process]) => ({ id, path: id, name: id, process, shouldApply: () => true, settings: {} })),
  { id: "custom.cellOptions", path: "cellOptions", name: "cell", isCustom: true, process: grafana.identityOverrideProcessor,
    shouldApply: () => true, settings: {} },
]);
// By id, since some go by an older name, too.
const steps = new Map(Object.values(grafana.standardTransformers).map((step) => [step.id, { ...step, transformation: async () => step }]));
grafana.standardTransformersRegistry.setInit(() => [...steps.values()]);

// A table of an instant query, as the Prometheus data source gives it: time, labels by name, value.
function frame(refId, samples, isOneOfMany) {
  const labels = [...new Set(samples.flatMap(({ metric }) => Object.keys(metric)))].sort();
  return grafana.toDataFrame({
    refId,
    fields: [
      { name: "Time", type: "time", values: samples.map(({ value }) => value[0] * 1000) },
      ...labels.map((name) => ({ name, type: "string", values: samples.map(({ metric }) => metric[name] ?? "") })),
      { name: isOneOfMany ? `Value #${refId}` : "Value", type: "number", values: samples.map(({ value }) => Number(value[1])) },
    ],
  });
}

function cell(field, value) {
  const { prefix = "", text, suffix = "", color } = field.display(value);
  return { text: prefix + text + suffix, color, value: value ?? null };
}

async function shaped({ panel, answers }) {
  const frames = panel.targets.map(({ refId }) => frame(refId, answers[refId], panel.targets.length > 1));
  const context = { interpolate: (text) => text };
  const data = await lastValueFrom(grafana.transformDataFrame(panel.transformations ?? [], frames, context));
  const seen = grafana.applyFieldOverrides({
    data,
    fieldConfig: panel.fieldConfig,
    fieldConfigRegistry: settings,
    replaceVariables: (text) => text,
    theme: grafana.createTheme(),
    timeZone: "utc",
  });
  return seen.map((one) => one.fields.map((field) => ({
    name: grafana.getFieldDisplayName(field, one, seen),
    type: field.type,
    cells: field.values.map((value) => cell(field, value)),
  })));
}

Promise.all(JSON.parse(readFileSync(0, "utf8")).map(shaped)).then((panels) => process.stdout.write(JSON.stringify(panels)));
