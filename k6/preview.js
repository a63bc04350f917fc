// The contest's preview scenario. Run it with `k6/run.sh preview`, which explains the settings.
import * as scenario from './lib/scenario.js';

const run = scenario.settings('preview');

export const options = scenario.optionsFor(run);
export const setup = scenario.setupRun;
export const postPayment = () => scenario.postPayment(run);
export const audit = () => scenario.audit(run);
export const applyStage = () => scenario.applyStage(run);
export const teardown = scenario.settle;
export const handleSummary = (data) => scenario.report(run, data);
