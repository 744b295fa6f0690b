// A record decided on a page: the compiled program as WebAssembly, its columns filled from a record's canonical text.
//
// In: what `offline.py` says of a program, with its module; a record as `digest.py` writes it. Out: the answers of rows
// and benefits, as a canonical answer writes them. How rows are put in their places equals native's `deciding.py` and
// `placing.py` for a record of which no row was rejected.
"use strict";
const EPOCH = 86400000, ALWAYS = -0x80000000, HISTORY = 1;

class Machine {
  // The module's memory: every method gives an address in it.
  static async of(program) {
    const packed = Uint8Array.from(atob(program.module), (c) => c.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    const { instance } = await WebAssembly.instantiate(await new Response(stream).arrayBuffer(), {});
    const machine = new Machine();
    machine.call = instance.exports;
    machine.call._initialize();
    return machine;
  }
  get view() { return new DataView(this.call.memory.buffer); }
  room(bytes) {
    const at = this.call.malloc(Math.max(16, bytes));
    if (!at) throw new Error("no memory");
    new Uint8Array(this.call.memory.buffer, at, Math.max(16, bytes)).fill(0);
    return at;
  }
  bytes(content) {
    const at = this.room(content.length);
    new Uint8Array(this.call.memory.buffer).set(content, at);
    return at;
  }
  put(at, bits, value) {
    if (bits === 8) this.view.setInt8(at, Number(value));
    else if (bits === 16) this.view.setInt16(at, Number(value), true);
    else if (bits === 32) this.view.setInt32(at, Number(value), true);
    else for (let i = 0; i < bits / 64; i++) this.view.setBigInt64(at + 8 * i, BigInt.asIntN(64, BigInt(value) >> BigInt(64 * i)), true);
  }
  get(at, bytes) {
    if (bytes === 1) return this.view.getInt8(at);
    if (bytes === 4) return this.view.getInt32(at, true);
    const low = this.view.getBigInt64(at, true);
    return bytes === 8 ? low : (this.view.getBigInt64(at + 8, true) << 64n) + BigInt.asUintN(64, low);
  }
  numbers(bits, values) {
    const at = this.room((values.length * bits) / 8);
    values.forEach((value, i) => this.put(at + (i * bits) / 8, bits, value));
    return at;
  }
  ints(values) { return this.numbers(32, values); }
  read(at, count) { return Array.from({ length: count }, (_, i) => this.get(at + 4 * i, 4)); }
  bits(values) {
    const packed = new Uint8Array(Math.ceil(values.length / 8));
    values.forEach((value, i) => { if (value) packed[i >> 3] |= 1 << (i & 7); });
    return this.bytes(packed);
  }
  texts(values) {
    const encoded = values.map((text) => new TextEncoder().encode(text)), offsets = [0];
    for (const text of encoded) offsets.push(offsets.at(-1) + text.length);
    const data = this.bytes(encoded.flatMap((text) => [...text])), at = this.room(24);
    [this.ints(offsets), data, 0, 0].forEach((part, i) => this.put(at + 4 * i, 32, part));
    return at;
  }
}

class Cells {
  // Facts as numbers and back, as `encoding.py` has them.
  constructor(program) {
    this.texts = new Map(program.texts.map((text, i) => [text, i]));
    this.lists = program.lists.slice();
  }
  number(type, text, asOf) {
    const place = (values, value) => {
      const at = values.indexOf(value);
      if (at < 0) throw new Error(`${JSON.stringify(text)}`);
      return at;
    };
    switch (type.kind) {
      case "boolean": return place(["false", "true"], text);
      case "date": {
        const day = Date.parse(`${text === "as_of" ? asOf : text}T00:00:00Z`) / EPOCH;
        if (!Number.isInteger(day)) throw new Error(text);
        return day;
      }
      case "number": {
        const [, sign, whole, decimals = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) || place([], text);
        if (decimals.length > type.scale) throw new Error(text);
        return BigInt(`${sign}${whole}${decimals.padEnd(type.scale, "0")}`);
      }
      case "code": return place(type.codes.map(([code]) => code), text);
      case "area": return BigInt(text.padEnd(12, "0")) * 16n + BigInt(text.length);
      case "list": return this.lists.push(text) - 1;
      default:
        if (!this.texts.has(text)) this.texts.set(text, this.texts.size);
        return this.texts.get(text);
    }
  }
  text(type, number) {
    switch (type.kind) {
      case "boolean": return number ? "true" : "false";
      case "date": return new Date(Number(number) * EPOCH).toISOString().slice(0, 10);
      case "number": return decimal(BigInt(number), type.scale);
      case "code": return type.codes[Number(number)][0];
      case "area": return String(BigInt(number) / 16n).padStart(12, "0").slice(0, Number(BigInt(number) % 16n));
      case "list": return this.lists[Number(number)];
      default: return [...this.texts.keys()][Number(number)];
    }
  }
}

function decimal(number, scale) {
  const digits = String(number < 0n ? -number : number).padStart(scale + 1, "0"), point = digits.length - scale;
  const text = scale ? `${digits.slice(0, point)}.${digits.slice(point)}`.replace(/\.?0+$/, "") : digits;
  return number < 0n && text !== "0" ? `-${text}` : text;
}

function tablesOf(program, record) {
  // The rows of every entity. Rows of a person at other times have the person's key; what was reversed is left out.
  const tables = program.entities.map((entity) => ({ entity, rows: [] }));
  const byName = new Map(tables.map((table) => [table.entity.name, table])), place = new Map();
  const reversed = new Set();
  for (const row of record.rows) {
    const reverses = row.facts[byName.get(row.entity).entity.reverses];
    if (reverses !== undefined) reversed.add(`${row.entity} ${row.key}`).add(`${row.entity} ${reverses}`);
  }
  for (const table of tables) for (const row of record.rows.filter((one) => one.entity === table.entity.name)) {
    const own = row.facts[table.entity.key], key = own === undefined ? row.key : own;
    const gone = reversed.has(`${row.entity} ${row.key}`) || reversed.has(row.of);
    if (gone) reversed.add(`${row.entity} ${row.key}`);
    if (gone || row.key.startsWith(`${key}@before `)) continue;
    place.set(`${row.entity} ${row.key}`, table.rows.length);
    if (!place.has(`${row.entity} ${key}`)) place.set(`${row.entity} ${key}`, table.rows.length);
    table.rows.push({ ...row, own: key });
  }
  const wordsOf = (text) => [text.slice(0, text.indexOf(" ")), text.slice(text.indexOf(" ") + 1).replace(/@before .*$/, "")];
  for (const table of tables) {
    table.parent = table.rows.map((row) => (row.of === "" ? -2 : place.get(wordsOf(row.of).join(" "))));
    if (table.parent.includes(undefined)) throw new Error(table.entity.name);
  }
  return { tables, byName, place };
}

function overTime(machine, program, table, asOf, columns) {
  // The entry's rows in their times (`persons_of`); null where no row says from when it holds.
  const name = table.entity.validFrom, starts = name && columns.get(`${table.entity.name} ${name}`).numbers;
  if (!name || starts.every((start) => start === null)) return null;
  const first = new Map(), count = table.rows.length;
  table.rows.forEach((row, i) => { if (!first.has(row.own)) first.set(row.own, i); });
  const times = { start: machine.ints(starts.map((start) => (start === null ? ALWAYS : start))) };
  for (const part of ["person", "next"]) times[part] = machine.room(4 * count);
  times.early = machine.room(count);
  machine.call.persons_of(machine.ints(table.rows.map((row) => first.get(row.own))), BigInt(count), times.start, 0, asOf,
    times.person, times.next, times.early, table.status);
  times.persons = machine.read(times.person, count);
  table.parent = table.parent.map((parent, i) => (times.persons[i] === i ? parent : -1));
  return times;
}

function inTurn(table, days) {
  // The place of every row by date, those without one first, then by key.
  const order = table.rows.map((_, i) => i), text = new TextEncoder();
  const compare = (a, b) => {
    const [one, two] = [days && days[a], days && days[b]].map((day) => (day === null || day === undefined ? -Infinity : day));
    if (one !== two) return one - two;
    const [left, right] = [a, b].map((row) => text.encode(table.rows[row].own));
    const at = left.findIndex((byte, i) => byte !== right[i]);
    return at < 0 ? left.length - right.length : left[at] - (right[at] ?? -1);
  };
  const turn = order.slice();
  order.sort(compare).forEach((row, i) => { turn[row] = i; });
  return turn;
}

async function decided(program, record) {
  // Everything that the program answers to a record. Throws where a cell cannot be read or deciding a row fails.
  const machine = await Machine.of(program), cells = new Cells(program);
  const asOf = cells.number({ kind: "date" }, record.as_of), { tables, byName, place } = tablesOf(program, record);
  const columns = new Map(), ins = [], valid = [];
  for (const { entity, rows } of tables)
    for (const fact of entity.facts) {
      const numbers = rows.map((row) => {
        const given = row.facts[fact.name] ?? (row.assumed.includes(fact.name) ? fact.assumed : null);
        return given === null ? null : cells.number(fact.type, given, record.as_of);
      });
      columns.set(`${entity.name} ${fact.name}`, { numbers });
      ins.push(fact.bits === 1 ? machine.bits(numbers) : machine.numbers(fact.bits, numbers.map((number) => number ?? 0)));
      valid.push(machine.bits(numbers.map((number) => number !== null)));
    }
  const outs = program.written.map(([name, , , bytes]) => machine.room(bytes * byName.get(name).rows.length));
  for (const table of tables) table.status = machine.room(table.rows.length);
  const entry = byName.get(program.path.at(-1)), times = overTime(machine, program, entry, asOf, columns);
  const parts = { begin: [], row: [], under: [], packed: [], unpacked: [], fallback: [], turn: [] };
  for (const table of tables) {
    const { entity, rows } = table, count = rows.length;
    const dated = entity.date ? columns.get(`${entity.name} ${entity.date}`).numbers : null;
    const day = dated ? machine.ints(dated.map((number) => number ?? 0)) : 0;
    const known = dated ? machine.bits(dated.map((number) => number !== null)) : 0;
    let begin = 0, row = 0, under = 0;
    if (entity.parent) {
      const above = byName.get(entity.parent);
      if (times && above === entry) table.parent = table.parent.map((parent) => (parent < 0 ? parent : times.persons[parent]));
      const parent = machine.ints(table.parent);
      if (times && above === entry) {
        under = machine.room(4 * count);
        machine.call.read_rows(parent, BigInt(count), day, known, times.start, times.next, times.early, asOf, under);
      }
      begin = machine.room(4 * (above.rows.length + 1));
      row = machine.room(4 * count);
      machine.call.children_of(parent, BigInt(count), BigInt(above.rows.length), day, known,
        machine.texts(rows.map((child) => child.own)), begin, row);
    }
    const sized = (way) => (entity.packed ? machine.room(count * Number(machine.call[`size_${way}_${entity.name}`]())) : 0);
    const values = { begin, row, under, packed: sized("in"), unpacked: sized("out"), fallback: machine.room(count),
      turn: entity.joint ? machine.ints(inTurn(table, dated)) : 0 };
    for (const [name, value] of Object.entries(values)) parts[name].push(value);
  }
  const levels = [], starts = [];
  [...program.path, ...program.otherRoots].forEach((name, level) => byName.get(name).rows.forEach((_, i) => {
    const table = byName.get(name);
    if (table.parent[i] >= 0 || machine.get(table.status + i, 1) === HISTORY || (times && table === entry && times.persons[i] !== i)) return;
    levels.push(level);
    starts.push(i);
  }));
  const figures = Uint8Array.from(atob(program.figures), (c) => c.charCodeAt(0));
  const listed = cells.lists.map((list) => list.map((item) => program.listed.indexOf(item)));
  const begins = listed.reduce((at, list) => [...at, at.at(-1) + list.length], [0]);
  const none = tables.map(() => 0), sets = machine.call.sets_new();
  const run = machine.room(8 + 4 * 23);
  machine.put(run, 64, asOf);
  [machine.ints(ins), machine.ints(valid), machine.ints(ins.map(() => 0)), machine.ints(outs), machine.ints(parts.begin),
    machine.ints(parts.row), machine.ints(tables.map((table) => table.status)), machine.ints(parts.fallback),
    machine.ints(parts.under), machine.ints(none), machine.ints(parts.packed), machine.ints(parts.unpacked),
    machine.ints(levels), machine.ints(starts), ...(times ? [times.next, times.start, times.early] : [0, 0, 0]),
    machine.ints(parts.turn), sets, machine.numbers(64, begins), machine.ints(listed.flat()),
    machine.numbers(64, program.begins), machine.bytes(figures)].forEach((part, i) => machine.put(run + 8 + 4 * i, 32, part));
  const each = (way, rooms) => tables.forEach((table, i) => {
    if (table.entity.packed) machine.call[`${way}_${table.entity.name}`](run, rooms[i], 0n, BigInt(table.rows.length));
  });
  each("pack", parts.packed);
  if (machine.call.decide_places(run, 0n, BigInt(starts.length)) !== 0n) throw new Error("deciding a row fails");
  each("unpack", parts.unpacked);
  return answers(program, { machine, cells, outs, place });
}

const BENEFIT = ["eligible", "ineligible", "undetermined", "not_modelled"], ROW = ["decided", "undetermined", "not_modelled"];

function answers(program, { machine, cells, outs, place }) {
  const cell = (number, row) => machine.get(outs[number] + row * program.written[number][3], program.written[number][3]);
  const numbers = new Map(program.written.map(([entity, name, part], i) => [`${entity} ${name} ${part}`, i]));
  const part = (entity, name, which, row) => cell(numbers.get(`${entity} ${name} ${which}`), row);
  const benefit = (name, of) => {
    const entity = program.benefits[name].entity, row = place.get(of);
    const known = numbers.has(`${entity} ${name} known`) && part(entity, name, "known", row);
    return { status: BENEFIT[part(entity, name, "status", row)],
      amount: known ? cells.text(program.benefits[name].amount, part(entity, name, "value", row)) : null };
  };
  const row = (of) => {
    const entity = of.slice(0, of.indexOf(" ")), at = place.get(of), values = {};
    for (const [name, type] of Object.entries(program.shown[entity])) {
      const state = part(entity, name, "state", at);
      values[name] = state === 1 ? "unknown" : state === 2 ? "not modelled" : cells.text(type, part(entity, name, "value", at));
    }
    return { status: ROW[part(entity, "", "status", at)], values };
  };
  return { benefit, row };
}
