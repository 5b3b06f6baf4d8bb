// Prints what the vendor's parser and the component's schema make of manifests, one JSON line each:
//
//   node answer.mjs NODE_MODULES SCHEMA MANIFEST...
//
// with {"file", "resources": {id: props}} or {"file", "refused"}.
import { createRequire } from 'module';
import fs from 'fs';
import path from 'path';

const [modules, schemaPath, ...manifests] = process.argv.slice(2);
const require = createRequire(path.join(modules, 'x.js'));
const ParseSpec = require('@serverless-devs/parse-spec').default;
const Ajv = require('ajv').default;

const print = fs.writeSync.bind(fs, 1);
const silent = new Proxy({}, { get: () => () => {} });
process.stdout.write = () => true; // the parser's notices

const schema = JSON.parse(fs.readFileSync(schemaPath, 'utf8'));
const ajv = new Ajv({ allErrors: true, strict: false });
ajv.addSchema(schema, 'fc3');
const configs = {
  eventbridge: 'IEventBridge', timer: 'ITimerTriggerConfig', http: 'IHttpTriggerConfig',
  oss: 'IOssTriggerConfig', log: 'ILogTriggerConfig', mns_topic: 'IMnsTriggerConfig', cdn_events: 'ICdnTriggerConfig',
};

function complaints(props) {
  const found = [];
  const check = (name, value, at) => {
    const validate = ajv.getSchema(name);
    if (!validate(value)) {
      found.push(...validate.errors.map((e) => `${at}${e.instancePath} ${e.message}`));
    }
  };
  check('fc3', props, '');
  (props.triggers || []).forEach((t, i) => {
    if (configs[t.triggerType]) {
      check(`fc3#/definitions/${configs[t.triggerType]}`, t.triggerConfig, `/triggers/${i}/triggerConfig`);
    }
  });
  return found;
}

for (const manifest of manifests) {
  const answer = { file: path.basename(manifest) };
  try {
    const parsed = await new ParseSpec(manifest, { argv: ['deploy'], logger: silent }).start();
    const found = parsed.steps.flatMap((step) => complaints(step.props));
    if (found.length) {
      answer.refused = `schema: ${found[0]}`;
    } else {
      answer.resources = Object.fromEntries(parsed.steps.map((step) => [step.projectName, step.props]));
    }
  } catch (e) {
    answer.refused = String(e.message).split('\n').filter(Boolean).pop().trim();
  }
  print(JSON.stringify(answer) + '\n');
}
