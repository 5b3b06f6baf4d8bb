// Has the vendor's own classes judge templates of Resource Orchestration Service, and looks at what no class sees: names
// that lead nowhere, parameters that nobody takes. Prints one JSON line a template:
//
//   node check.mjs NODE_MODULES TEMPLATE...
//
// with {"file", "resources": n, "problems": [...]}.
import { createRequire } from 'module';
import fs from 'fs';
import path from 'path';

const [modules, ...templates] = process.argv.slice(2);
const require = createRequire(path.join(modules, 'x.js'));
const yaml = require('js-yaml');
const ros = require('@alicloud/ros-cdk-core');

// classes: by resource type its class, the attributes that it has, and what its properties are called in a template.
const classes = new Map();
const vendor = path.join(modules, 'node_modules/@alicloud');
for (const name of fs.readdirSync(vendor)) {
  const generated = path.join(vendor, name, 'lib', `${name.slice('ros-cdk-'.length)}.generated.js`);
  if (!fs.existsSync(generated)) continue;
  const source = fs.readFileSync(generated, 'utf8');
  const shapes = new Map();
  for (const [, shape, body] of source.matchAll(/^function (ros\w+ToRosTemplate)\([^)]*\) \{([^]*?)^\}/gm)) {
    const members = new Map();
    for (const [, written, how, property] of body.matchAll(/^\s+'(\w+)': (.+)\(properties\.(\w+)\),$/gm)) {
      members.set(written, { property, shape: (how.match(/\b(ros\w+ToRosTemplate)/) || [])[1] });
    }
    shapes.set(shape, members);
  }
  for (const resource of Object.values(require(`@alicloud/${name}`))) {
    const type = resource && resource.ROS_RESOURCE_TYPE_NAME;
    if (!type) continue;
    const members = shapes.get(`r${resource.name.slice(1)}PropsToRosTemplate`);
    const own = source.slice(source.indexOf(`\nclass ${resource.name} `));
    const attributes = [...own.slice(0, own.indexOf('\n}\n')).matchAll(/this\.getAtt\('(\w+)'\)/g)].map((m) => m[1]);
    if (members) classes.set(type, { resource, members, shapes, attributes });
  }
}

const isCall = (value) => value && typeof value === 'object' && !Array.isArray(value) && Object.keys(value).length === 1
  && /^(Ref|Fn::.+)$/.test(Object.keys(value)[0]);

// asProps gives a value of a template the names of the class's properties; a call of the service stands for anything.
function asProps(value, members, shapes, at, report) {
  if (isCall(value)) return value;
  if (Array.isArray(value)) return value.map((v, i) => asProps(v, members, shapes, `${at}.${i}`, report));
  if (!value || typeof value !== 'object') return value;
  const out = {};
  for (const [name, inner] of Object.entries(value)) {
    const known = members && members.get(name);
    if (members && !known) report(`${at}.${name} is no property there; known are ${[...members.keys()].sort().join(', ')}`);
    out[known ? known.property : name] = asProps(inner, known && shapes.get(known.shape), shapes, `${at}.${name}`, report);
  }
  return out;
}

const resourceKeys = ['Type', 'Properties', 'DependsOn', 'Condition', 'DeletionPolicy', 'Metadata', 'Count'];
const parameterKeys = ['Type', 'Default', 'Description', 'AllowedPattern', 'AllowedValues', 'ConstraintDescription', 'MinLength', 'MaxLength',
  'MinValue', 'MaxValue', 'NoEcho', 'Label', 'AssociationProperty', 'AssociationPropertyMetadata', 'Confirm', 'TextArea', 'Required'];
const parameterTypes = ['String', 'Number', 'CommaDelimitedList', 'Json', 'Boolean'];
const topKeys = ['ROSTemplateFormatVersion', 'Description', 'Metadata', 'Parameters', 'Mappings', 'Conditions', 'Resources', 'Outputs', 'Rules'];
const pseudo = ['ALIYUN::Region', 'ALIYUN::TenantId', 'ALIYUN::StackName', 'ALIYUN::StackId', 'ALIYUN::AccountId', 'ALIYUN::NoValue'];

function check(template) {
  const problems = [];
  const report = (text) => problems.push(text);
  const resources = template.Resources || {}, parameters = template.Parameters || {}, conditions = template.Conditions || {};
  const taken = new Set();
  const among = (keys, value, at) => Object.keys(value).filter((k) => !keys.includes(k)).forEach((k) => report(`${at}.${k} is no key there`));

  function name(target, at) {
    if (target in parameters) taken.add(target);
    else if (!(target in resources) && !pseudo.includes(target)) report(`${at} names ${target}, which is nothing`);
  }
  function attribute(id, attr, at) {
    const declared = resources[id];
    if (!declared) return report(`${at} names ${id}, which is no resource`);
    const known = classes.get(declared.Type);
    if (known && !known.attributes.includes(attr)) report(`${at}: ${declared.Type} has no attribute ${attr}; it has ${known.attributes.join(', ')}`);
  }
  function calls(value, at) {
    if (!value || typeof value !== 'object') return;
    if (isCall(value)) {
      const [[call, argument]] = Object.entries(value);
      if (call === 'Ref') return name(argument, at);
      if (call === 'Fn::GetAtt') return attribute(argument[0], argument[1], at);
      if (call === 'Fn::Sub') {
        for (const [, inner] of String(argument).matchAll(/\$\{([^!}]+)\}/g)) {
          inner.includes('.') ? attribute(...inner.split('.'), at) : name(inner, at);
        }
        return undefined;
      }
      if (call === 'Fn::If' && !(argument[0] in conditions)) report(`${at} asks for the condition ${argument[0]}, which is not declared`);
      if (!/^Fn::(If|Equals|Not|And|Or|Join|Select)$/.test(call)) report(`${at} calls ${call}, which is unknown here`);
    }
    for (const [key, inner] of Object.entries(value)) calls(inner, `${at}.${key}`);
  }

  among(topKeys, template, 'the template');
  for (const [id, p] of Object.entries(parameters)) {
    const at = `Parameters.${id}`;
    among(parameterKeys, p, at);
    if (!parameterTypes.includes(p.Type)) report(`${at}.Type is ${p.Type}`);
    if (!p.Description) report(`${at} has no Description`);
    if (p.AllowedPattern && p.Default !== undefined && !new RegExp(p.AllowedPattern).test(p.Default) && p.Default !== '') {
      report(`${at}.Default does not match its AllowedPattern`);
    }
    if (p.AllowedValues && p.Default !== undefined && !p.AllowedValues.includes(p.Default)) report(`${at}.Default is none of its AllowedValues`);
  }
  calls(conditions, 'Conditions');
  const stack = new ros.Stack(new ros.App(), 'check');
  for (const [id, declared] of Object.entries(resources)) {
    const at = `Resources.${id}`;
    among(resourceKeys, declared, at);
    if (declared.Condition && !(declared.Condition in conditions)) report(`${at}.Condition is ${declared.Condition}, which is not declared`);
    for (const other of [].concat(declared.DependsOn || [])) {
      if (!(other in resources)) report(`${at}.DependsOn names ${other}, which is no resource`);
      if (other === id) report(`${at} depends on itself`);
    }
    calls(declared.Properties, at);
    const known = classes.get(declared.Type);
    if (!known) {
      report(`${at}.Type is ${declared.Type}, which the vendor has no class for`);
      continue;
    }
    const props = asProps(declared.Properties || {}, known.members, known.shapes, at, report);
    try {
      const made = new known.resource(stack, id, props, true);
      made.renderProperties(made.rosProperties);
    } catch (e) {
      report(`${at}: ${e.message.replace(/\s+/g, ' ')}`);
    }
  }
  for (const [id, output] of Object.entries(template.Outputs || {})) {
    among(['Value', 'Description', 'Condition', 'Label'], output, `Outputs.${id}`);
    calls(output.Value, `Outputs.${id}`);
  }
  const groups = ((template.Metadata || {})['ALIYUN::ROS::Interface'] || {}).ParameterGroups || [];
  const grouped = groups.flatMap((g) => g.Parameters);
  grouped.filter((p) => !(p in parameters)).forEach((p) => report(`a group names the parameter ${p}, which is not declared`));
  for (const id of Object.keys(parameters)) {
    if (!taken.has(id)) report(`nobody takes the parameter ${id}`);
    if (groups.length && grouped.filter((p) => p === id).length !== 1) report(`the parameter ${id} is not in one group`);
  }
  return { resources: Object.keys(resources).length, problems };
}

for (const file of templates) {
  console.log(JSON.stringify({ file, ...check(yaml.load(fs.readFileSync(file, 'utf8'))) }));
}
