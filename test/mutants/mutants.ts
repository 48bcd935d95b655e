/**
 * The bugs that other engines had, each as one change to our source. `recreates` is an advisory or
 * the class of a changelog entry; what stands behind each says `what`.
 */
import { graphMutants } from './graph-mutants.ts';
import type { Mutant } from './mutant.ts';

const cycles: readonly Mutant[] = [
  {
    name: 'provisional-false-kept',
    recreates: 'CVE-2025-46331',
    what: 'a false that was found inside a cycle is remembered as final',
    file: 'src/engine/answers.ts',
    text: `if (lowest >= place) this.conclude(place);
    else if (lowest < outer) this.lowest = lowest;`,
    replacement: 'this.conclude(place);',
  },
  {
    name: 'lean-not-passed-down',
    recreates: 'CVE-2025-46331',
    what: 'a question forgets that what it asked leaned on an open one',
    file: 'src/engine/answers.ts',
    text: 'else if (lowest < outer) this.lowest = lowest;',
    replacement: '',
  },
  {
    name: 'lean-not-noted',
    recreates: 'CVE-2025-46331',
    what: 'an answer taken from an open question is not marked as leaning on it',
    file: 'src/engine/answers.ts',
    text: 'if (place < this.lowest) this.lowest = place;',
    replacement: '',
  },
  {
    name: 'provisional-false-outlives-its-ground',
    recreates: 'CVE-2025-46331',
    what: 'what was false only if a question was false stays so when that one is true',
    file: 'src/engine/answers.ts',
    text: `      this.forget(place);
      this.known.set(key, value);`,
    replacement: `      this.conclude(place);
      this.known.set(key, value);`,
  },
  {
    name: 'cycle-under-exclusion-is-false',
    recreates: 'CVE-2024-31452',
    what: 'a cycle through a subtracted side counts as "not in it"',
    file: 'src/engine/answers.ts',
    text: 'const straight = this.subtractions[place] === subtracted;',
    replacement: 'const straight = true;',
  },
  {
    name: 'subtraction-not-counted',
    recreates: 'CVE-2024-31452',
    what: 'the subtracted side is walked as if nothing were subtracted',
    file: 'src/engine/walk.ts',
    text: `    this.subtracted++;
    const value = this.evaluate(plan, object, relation, depth);
    this.subtracted--;`,
    replacement: 'const value = this.evaluate(plan, object, relation, depth);',
  },
  {
    name: 'provisional-false-crosses-subtraction',
    recreates: 'CVE-2024-31452',
    what: 'a false that was found above a subtraction is used below it',
    file: 'src/engine/answers.ts',
    text: 'if (!straight) return undefined;',
    replacement: 'if (!straight) return value;',
  },
  {
    name: 'undefined-is-denied',
    recreates: 'CVE-2024-31452',
    what: 'a cycle through a subtracted side is never settled',
    file: 'src/engine/walk.ts',
    text: 'value = settle(this.facts, object, relation);',
    replacement: 'value = falseValue;',
  },
  {
    name: 'settling-takes-errors-one-way',
    recreates: 'CVE-2024-31452',
    what: 'both estimates of a cycle take an error for the same',
    file: 'src/engine/settle.ts',
    text: 'over = this.least(!wish.errorsHold, under);',
    replacement: 'over = this.least(wish.errorsHold, under);',
  },
  {
    name: 'cycles-not-recognised',
    recreates: 'CVE-2023-35933',
    what: 'relations that lead back to themselves are walked without a guard',
    file: 'src/engine/recursion.ts',
    text: 'if (!recursive.has(own)) return notRecursive;',
    replacement: 'return notRecursive;',
  },
  {
    name: 'knots-taken-for-unions',
    recreates: 'CVE-2024-42473',
    what: 'the fast path of unions is taken for recursion through `and` and `but not`',
    file: 'src/engine/recursion.ts',
    text: 'return knotted.has(own) ? tangled : byUnions;',
    replacement: 'return byUnions;',
  },
  {
    name: 'type-cycles-of-three-missed',
    recreates: 'Cedar: cycles of 3 types',
    what: 'the strong components of a model are cut where they are longer than two',
    file: 'src/engine/components.ts',
    text: 'low[parent.node] = Math.min(low[parent.node] as number, low[node] as number);',
    replacement: '',
  },
];

const errors: readonly Mutant[] = [
  {
    name: 'error-under-exclusion-is-false',
    recreates: 'CVE-2024-31452',
    what: 'an error in the subtracted side allows',
    file: 'src/engine/value.ts',
    text: `  const low = top - ((subtract >> 2) & 3);
  const high = (top - (subtract & 3)) << 2;`,
    replacement: `  if (isError(subtract)) return base;
  const low = top - ((subtract >> 2) & 3);
  const high = (top - (subtract & 3)) << 2;`,
  },
  {
    name: 'error-under-intersection-is-true',
    recreates: 'CVE-2024-31452',
    what: 'an error in one operand of `and` leaves the answer to the other',
    file: 'src/engine/value.ts',
    text: `  if (a === trueValue || b === falseValue) return b;
  if (b === trueValue || a === falseValue) return a;`,
    replacement: `  if (a === trueValue || b === falseValue || isError(a)) return b;
  if (b === trueValue || a === falseValue) return a;`,
  },
  {
    name: 'missing-context-is-unmet',
    recreates: 'CVE-2024-48909',
    what: 'a condition whose parameters nobody gave is taken for unmet',
    file: 'src/engine/facts.ts',
    text: "return this.note({ kind: 'unknown', condition: name, tuple, parameters });",
    replacement: 'return falseValue;',
  },
  {
    name: 'missing-context-not-looked-for',
    recreates: 'CVE-2024-48909',
    what: 'a condition is decided although one of its parameters is missing',
    file: 'src/model/compile-condition.ts',
    text: "if (missing.length > 0) return { kind: 'missing', parameters: missing };",
    replacement: '',
  },
  {
    name: 'first-open-condition-ends-usersets',
    recreates: 'CVE-2024-46989',
    what: 'the usersets of a relation are left at the first one behind an open condition',
    file: 'src/engine/walk.ts',
    text: `        value = either(value, both(condition, this.ask(subject, target, depth + 1)));
        if (value === trueValue) return value;`,
    replacement: `        value = either(value, both(condition, this.ask(subject, target, depth + 1)));
        if (value !== falseValue) return value;`,
  },
  {
    name: 'first-open-condition-ends-subjects',
    recreates: 'CVE-2024-46989',
    what: 'the direct tuples of a relation are left at the first open condition',
    file: 'src/engine/facts.ts',
    text: `        value = either(value, this.weigh(edge, guard, object, relation, subject));
      }
      if (value === trueValue) return value;`,
    replacement: `        value = either(value, this.weigh(edge, guard, object, relation, subject));
      }
      if (value !== falseValue) return value;`,
  },
  {
    name: 'first-open-condition-ends-union',
    recreates: 'CVE-2025-49011',
    what: 'a union is left at its first child with an open condition',
    file: 'src/engine/walk.ts',
    text: `          value = either(value, this.evaluate(child, object, relation, depth));
          if (value === trueValue) break;`,
    replacement: `          value = either(value, this.evaluate(child, object, relation, depth));
          if (value !== falseValue) break;`,
  },
  {
    name: 'first-open-condition-ends-arrow',
    recreates: 'CVE-2025-49011',
    what: 'an arrow is left at the first of its types with an open condition',
    file: 'src/engine/walk.ts',
    text: `          value = either(value, this.follow(arrow.edge, arrow.target, object, tupleset, depth));
          if (value === trueValue) break;`,
    replacement: `          value = either(value, this.follow(arrow.edge, arrow.target, object, tupleset, depth));
          if (value !== falseValue) break;`,
  },
  {
    name: 'closure-drops-open-conditions',
    recreates: 'CVE-2024-46989',
    what: 'in recursion, what lies behind an open condition is not looked at',
    file: 'src/engine/closure.ts',
    text: 'if (certain === trueValue || this.doubt === trueValue) return certain;',
    replacement: 'return certain;',
  },
  {
    name: 'closure-trusts-open-conditions',
    recreates: 'CVE-2024-31452',
    what: 'in recursion, what lies behind an open condition is taken for certain',
    file: 'src/engine/closure.ts',
    text: 'if (!isError(condition) || this.queues === this.doubtful) return this.queues;',
    replacement: 'return this.queues;',
  },
  {
    name: 'errors-remembered-as-false',
    recreates: 'class: cached on cancel',
    what: 'all that a recursion visited before it met an error is remembered as false',
    file: 'src/engine/walk.ts',
    text: 'if (value === falseValue) {\n      for (const visited',
    replacement: 'if (value !== trueValue) {\n      for (const visited',
  },
];

const restrictions: readonly Mutant[] = [
  {
    name: 'unguarded-tuple-always-counts',
    recreates: 'CVE-2025-64751',
    what: 'a tuple without a condition counts where the model asks for one',
    file: 'src/engine/facts.ts',
    text: 'if (guard === noGuard) return edge.unguarded ? trueValue : falseValue;',
    replacement: 'if (guard === noGuard) return trueValue;',
  },
  {
    name: 'unguarded-by-any-restriction',
    recreates: 'CVE-2025-64751',
    what: 'a tuple without a condition counts where a restriction of another shape has none',
    file: 'src/model/compile.ts',
    text: "unguarded: restrictions.some((r) => r.condition === ''),",
    replacement: "unguarded: relation.restrictions.some((r) => r.condition === ''),",
  },
  {
    name: 'condition-of-older-model-counts',
    recreates: 'CVE-2022-23542',
    what: 'a tuple counts whose condition the model no longer allows there',
    file: 'src/engine/facts.ts',
    text: 'if (isExpired(expiresAt, this.request.now) || !allows(edge, condition)) return falseValue;',
    replacement: `if (isExpired(expiresAt, this.request.now)) return falseValue;
    if (condition !== noCondition && !this.model.conditions.has(condition)) return falseValue;`,
  },
  {
    name: 'weighed-guard-counts-everywhere',
    recreates: 'CVE-2022-23542',
    what: 'a condition that was met in one relation counts in those that do not allow it',
    file: 'src/engine/facts.ts',
    text: 'return allows(edge, known.condition) ? known.value : falseValue;',
    replacement: 'return known.value;',
  },
  {
    name: 'context-of-older-model-counts',
    recreates: 'CVE-2022-23542',
    what: 'a tuple counts whose stored context no longer fits its condition',
    file: 'src/engine/facts.ts',
    text: 'if (compiled.faultOfTupleContext(stored) !== undefined) return falseValue;',
    replacement: '',
  },
  {
    name: 'stale-wildcard-subject-counts',
    recreates: 'CVE-2022-23542',
    what: 'a wildcard of an older model counts for who asks as the wildcard',
    file: 'src/engine/facts.ts',
    text: 'this.entity === stranger || isWildcard(this.subject) ? 0 : this.entity',
    replacement: 'this.entity === stranger ? 0 : this.entity',
  },
  {
    name: 'restriction-ignores-subject-relation',
    recreates: 'CVE-2025-48371',
    what: 'a contextual tuple counts for another userset of its subject type',
    file: 'src/engine/overlay.ts',
    text: `            fact.subjectType === subjectType &&
            fact.subjectRelation === subjectRelation,`,
    replacement: '            fact.subjectType === subjectType,',
  },
  {
    name: 'contextual-tuple-of-any-relation',
    recreates: 'CVE-2025-48371',
    what: 'a contextual tuple is found whichever userset of its subject is looked for',
    file: 'src/engine/overlay.ts',
    text: `    fact.relation === relation &&
    fact.subjectRelation === subjectRelation
  );`,
    replacement: '    fact.relation === relation\n  );',
  },
  {
    name: 'usersets-of-one-type-merged',
    recreates: 'CVE-2025-55213',
    what: 'two usersets of one type in one relation are asked for the relation of the first',
    file: 'src/engine/walk.ts',
    text: 'value = either(value, this.follow(edge, edge.target, object, relation, depth));',
    replacement: `const merged = edges.find(
        ({ subjectType, target }) => subjectType === edge.subjectType && target !== -1,
      );
      value = either(value, this.follow(edge, (merged ?? edge).target, object, relation, depth));`,
  },
  {
    name: 'userset-matched-by-wildcard',
    recreates: 'CVE-2025-25196',
    what: 'a userset that asks is in what is given to everybody of its type',
    file: 'src/engine/facts.ts',
    text: 'const subject = this.namedBy(edge);',
    replacement: `if (edge.wildcard && edge.unguarded && edge.subjectType === this.type) {
        const all = this.reader.find(object, relation.symbol, this.wildcardEntity(), 0);
        if (edge.target !== this.index && all === noGuard) return trueValue;
      }
      const subject = this.namedBy(edge);`,
  },
  {
    name: 'stale-wildcard-counts',
    recreates: 'CVE-2022-23542',
    what: 'a wildcard of an older model counts where the model takes objects alone',
    file: 'src/engine/facts.ts',
    text: 'if (subject === 0) continue;',
    replacement: `const all = this.reader.find(object, relation.symbol, this.wildcardEntity(), this.relation);
      if (this.isOfKind(edge) && edge.unguarded && all === noGuard) return trueValue;
      if (subject === 0) continue;`,
  },
  {
    name: 'wildcard-unknown-to-strangers',
    recreates: 'class: wildcard in lists',
    what: 'a subject that no tuple names is not in what is given to everybody',
    file: 'src/engine/facts.ts',
    text: 'if (object === stranger) return falseValue;',
    replacement: 'if (object === stranger || this.entity === stranger) return falseValue;',
  },
  {
    name: 'wildcard-subtracts-nobody',
    recreates: 'CVE-2022-21646',
    what: 'what is given to everybody is not subtracted from anybody',
    file: 'src/engine/walk.ts',
    text: 'value = without(value, this.subtracts(plan.subtract, object, relation, depth));',
    replacement: `value = without(
          value,
          plan.subtract.kind === 'direct'
            ? this.direct(
                plan.subtract.edges.filter((edge) => !edge.wildcard),
                object,
                relation,
                depth,
              )
            : this.evaluate(plan.subtract, object, relation, depth),
        );`,
  },
];

const ways: readonly Mutant[] = [
  {
    name: 'one-type-of-an-arrow',
    recreates: 'CVE-2024-32001',
    what: 'of several types that a tupleset takes, one overwrites the others',
    file: 'src/model/compile.ts',
    text: 'return target === -1 ? [] : [{ edge, target }];\n  });',
    replacement: 'return target === -1 ? [] : [{ edge, target }];\n  }).slice(0, 1);',
  },
  {
    name: 'one-userset-is-enough',
    recreates: 'CVE-2024-38361',
    what: 'of several usersets of an edge only the first is asked',
    file: 'src/engine/walk.ts',
    text: 'for (let i = run.start; i < end; i++) {',
    replacement: 'for (let i = run.start; i < Math.min(end, 1); i++) {',
  },
  {
    name: 'one-parent-in-recursion',
    recreates: 'class: missed results',
    what: 'of several usersets of an edge inside a recursion only the first is visited',
    file: 'src/engine/closure.ts',
    text: 'for (let i = run.start; i < end; i++) {',
    replacement: 'for (let i = run.start; i < Math.min(end, 1); i++) {',
  },
  {
    name: 'conditions-ignored-in-recursion',
    recreates: 'class: downgrade',
    what: 'inside a recursion conditions are not looked at',
    file: 'src/engine/closure.ts',
    text: 'const condition = facts.weigh(edge, guard, object, relation, subject);',
    replacement: `const met = facts.weigh(edge, guard, object, relation, subject);
        const condition = isError(met) ? met : trueValue;`,
  },
  {
    name: 'entry-point-lost',
    recreates: 'CVE-2025-65111',
    what: 'a union is reached by its first child alone',
    file: 'src/model/targets.ts',
    text: `      for (const child of plan.children) yield* targetsOf(child);`,
    replacement: `      for (const child of plan.children.slice(0, 1)) yield* targetsOf(child);`,
  },
  {
    name: 'entry-point-only-by-all-types',
    recreates: 'CVE-2025-65111',
    what: 'an arrow is reached only where all its types are',
    file: 'src/model/reach.ts',
    text: 'return plan.arrows.some((arrow) => reached[arrow.target] === 1);',
    replacement: 'return plan.arrows.every((arrow) => reached[arrow.target] === 1);',
  },
  {
    name: 'subtracted-entry-point-closes',
    recreates: 'CVE-2022-21646',
    what: 'who can reach the subtracted side is thought unable to reach the whole',
    file: 'src/model/reach.ts',
    text: 'return holds(plan.base, reached, objects);',
    replacement:
      'return holds(plan.base, reached, objects) && !holds(plan.subtract, reached, objects);',
  },
  {
    name: 'operators-flattened-alike',
    recreates: 'CVE-2022-23628',
    what: 'a union inside an intersection is printed flat, and means another thing',
    file: 'src/model/compile.ts',
    text: 'return plan.kind === kind ? plan.children : [plan];',
    replacement:
      "return plan.kind === 'union' || plan.kind === 'intersection' ? plan.children : [plan];",
  },
  {
    name: 'self-of-unseen-userset',
    recreates: 'class: missed results',
    what: 'a userset that no tuple names does not have its own relation',
    file: 'src/engine/facts.ts',
    text: 'return object.type === this.subject.type && object.id === this.subject.id ? stranger : 0;',
    replacement: 'return 0;',
  },
  {
    name: 'depth-shared-by-siblings',
    recreates: 'Permify: depth of siblings',
    what: 'every userset spends depth, though they stand side by side',
    file: 'src/engine/walk.ts',
    text: 'value = either(value, both(condition, this.ask(subject, target, depth + 1)));',
    replacement: 'value = either(value, both(condition, this.ask(subject, target, ++depth)));',
  },
];

const keys: readonly Mutant[] = [
  {
    name: 'batch-key-without-conditions',
    recreates: 'CVE-2024-56323',
    what: 'items share a walk whose contextual tuples differ in their conditions',
    file: 'src/service/batch-check.ts',
    text: 'condition === undefined ? null : [condition.name, condition.context ?? {}],',
    replacement: 'null,',
  },
  {
    name: 'batch-key-without-condition-context',
    recreates: 'CVE-2026-41131',
    what: 'items share a walk whose contextual tuples differ in their stored contexts',
    file: 'src/service/batch-check.ts',
    text: 'condition === undefined ? null : [condition.name, condition.context ?? {}],',
    replacement: 'condition === undefined ? null : [condition.name],',
  },
  {
    name: 'batch-key-without-context',
    recreates: 'CVE-2026-55866',
    what: 'items share a walk whose contexts differ',
    file: 'src/service/batch-check.ts',
    text: "return canonicalJson([item.tupleKey?.user ?? '', tuples, item.context ?? {}]);",
    replacement: "return canonicalJson([item.tupleKey?.user ?? '', tuples]);",
  },
  {
    name: 'batch-key-without-contextual-tuples',
    recreates: 'CVE-2024-56323',
    what: 'items share a walk whose contextual tuples differ',
    file: 'src/service/batch-check.ts',
    text: "return canonicalJson([item.tupleKey?.user ?? '', tuples, item.context ?? {}]);",
    replacement:
      "return canonicalJson([item.tupleKey?.user ?? '', tuples.slice(0, 0), item.context ?? {}]);",
  },
  {
    name: 'batch-key-joined-by-commas',
    recreates: 'CVE-2026-34972',
    what: 'the key of an item is joined without quotes: ["a,b"] is ["a","b"]',
    file: 'src/service/batch-check.ts',
    text: "return canonicalJson([item.tupleKey?.user ?? '', tuples, item.context ?? {}]);",
    replacement: `return canonicalJson([item.tupleKey?.user ?? '', tuples, item.context ?? {}])
    .replaceAll('"', '');`,
  },
  {
    name: 'batch-key-with-flat-lists',
    recreates: 'CVE-2026-46668',
    what: 'the key of an item has no brackets: a list in a list is one list',
    file: 'src/service/batch-check.ts',
    text: "return canonicalJson([item.tupleKey?.user ?? '', tuples, item.context ?? {}]);",
    replacement: `return canonicalJson([item.tupleKey?.user ?? '', tuples, item.context ?? {}])
    .replaceAll(/[[\\]]/g, '');`,
  },
  {
    name: 'guard-key-collision',
    recreates: 'CVE-2026-33729',
    what: 'a contextual condition and a stored one have the same key',
    file: 'src/engine/facts.ts',
    text: `    const known = this.weighed.get(guard);
    if (known !== undefined) return allows(edge, known.condition) ? known.value : falseValue;
    const { condition, context, expiresAt } = this.reader.guard(guard);
    if (isExpired(expiresAt, this.request.now) || !allows(edge, condition)) return falseValue;
    const value =
      condition === noCondition
        ? trueValue
        : this.evaluate(condition, context, edge, { object, relation, subject });
    this.weighed.set(guard, { condition, value });`,
    replacement: `    const known = this.weighed.get(Math.abs(guard));
    if (known !== undefined) return allows(edge, known.condition) ? known.value : falseValue;
    const { condition, context, expiresAt } = this.reader.guard(guard);
    if (isExpired(expiresAt, this.request.now) || !allows(edge, condition)) return falseValue;
    const value =
      condition === noCondition
        ? trueValue
        : this.evaluate(condition, context, edge, { object, relation, subject });
    this.weighed.set(Math.abs(guard), { condition, value });`,
  },
  {
    name: 'contextual-condition-by-name-alone',
    recreates: 'CVE-2026-41131',
    what: 'two contextual tuples with the same condition share its stored context',
    file: 'src/engine/overlay.ts',
    text: '    this.guards.push({ condition: symbol, context: condition.context, expiresAt: undefined });',
    replacement: `    const known = this.guards.findIndex((guard) => guard.condition === symbol);
    if (known !== -1) return firstOwn - known;
    this.guards.push({ condition: symbol, context: condition.context, expiresAt: undefined });`,
  },
  {
    name: 'condition-of-contextual-tuple-dropped',
    recreates: 'CVE-2024-56323',
    what: 'the conditions of contextual tuples are not looked at',
    file: 'src/engine/overlay.ts',
    text: 'guard: tuple.condition === undefined ? noGuard : this.internGuard(model, tuple.condition),',
    replacement: 'guard: noGuard,',
  },
  {
    name: 'entity-key-without-type',
    recreates: 'CVE-2026-48096',
    what: 'objects of two types with the same id are one object in a write',
    file: 'src/storage/sqlite/interner.ts',
    text: `const key = \`\${type}:\${name}\`;`,
    replacement: 'const key = name;',
  },
  {
    name: 'model-key-without-model',
    recreates: 'Permify: schema look-up',
    what: 'a compiled model is found by its store alone',
    file: 'src/service/model-cache.ts',
    text: `const key = \`\${store}/\${wanted}\`;`,
    replacement: 'const key = store;',
  },
  {
    name: 'guard-cache-without-store',
    recreates: 'Permify: other tenants',
    what: 'conditions of one store are found in another',
    file: 'src/storage/sqlite/texts.ts',
    text: `const key = \`\${store}:\${id}\`;
    const memory = guards.get(key);`,
    replacement: 'const key = String(id);\n    const memory = guards.get(key);',
  },
];

const overlays: readonly Mutant[] = [
  {
    name: 'contextual-tuples-hide-stored-ones',
    recreates: 'class: sort assumption',
    what: 'where a contextual tuple begins a run, the stored ones are not read',
    file: 'src/engine/overlay.ts',
    text: 'return runOf(facts, (fact) => fact.subject, object > 0 ? baseBegins : 0);',
    replacement: 'return runOf(facts, (fact) => fact.subject, 0);',
  },
  {
    name: 'contextual-wildcard-hides-stored-one',
    recreates: 'CVE-2026-24851',
    what: 'a contextual wildcard replaces the stored one with another condition',
    file: 'src/engine/overlay.ts',
    text: 'return stored === noTuple ? guards : [...guards, stored];',
    replacement: 'return stored === noTuple || guards.length > 0 ? guards : [stored];',
  },
  {
    name: 'stored-tuple-before-contextual',
    recreates: 'CVE-2024-56323',
    what: 'a stored tuple wins over the contextual one of its key',
    file: 'src/engine/overlay.ts',
    text: `    for (const fact of this.factsOfObject.get(object) ?? []) {
      if (isAt(fact, relation, subject, subjectRelation)) return fact.guard;
    }`,
    replacement: `    const stored = this.findStored(object, relation, subject, subjectRelation);
    if (stored !== noTuple) return stored;
    for (const fact of this.factsOfObject.get(object) ?? []) {
      if (isAt(fact, relation, subject, subjectRelation)) return fact.guard;
    }`,
  },
];

const conditions: readonly Mutant[] = [
  {
    name: 'request-context-wins',
    recreates: 'class: condition types',
    what: 'the request overrides what is stored with the tuple',
    file: 'src/model/compile-condition.ts',
    text: 'evaluate(definition, program, { ...requestContext, ...tupleContext }),',
    replacement: 'evaluate(definition, program, { ...tupleContext, ...requestContext }),',
  },
  {
    name: 'request-context-not-forwarded',
    recreates: 'CVE-2024-48909',
    what: "conditions are evaluated without the request's context",
    file: 'src/model/compile-condition.ts',
    text: 'evaluate(definition, program, { ...requestContext, ...tupleContext }),',
    replacement: 'evaluate(definition, program, tupleContext),',
  },
  {
    name: 'number-spelt-otherwise',
    recreates: 'class: condition types',
    what: 'an integer that comes as text is not taken for one',
    file: 'src/model/parameter-types.ts',
    text: "  } else if (typeof value !== 'string') {\n    return mistyped(goName, value);",
    replacement: "  } else if (typeof value !== 'number') {\n    return mistyped(goName, value);",
  },
];

const storage: readonly Mutant[] = [
  {
    name: 'stored-context-not-kept',
    recreates: 'class: downgrade',
    what: 'the context that is stored with a condition is lost',
    file: 'src/storage/sqlite/interner.ts',
    text: 'const context = canonicalJson(condition?.context ?? {});',
    replacement: 'const context = canonicalJson({});',
  },
  {
    name: 'guards-of-a-run-ignored',
    recreates: 'class: downgrade',
    what: 'usersets are read without the conditions of their tuples',
    file: 'src/storage/sqlite/snapshot.ts',
    text: 'const guards = guarded ? range.guards.all(...prefix, after, length) : undefined;',
    replacement: 'const guards = undefined;',
  },
  {
    name: 'ids-folded-by-collation',
    recreates: 'CVE-2026-55170',
    what: 'ids that differ by case are the same object',
    file: 'src/storage/sqlite/block-names.ts',
    text: '      type INTEGER NOT NULL,\n      name TEXT NOT NULL,',
    replacement: '      type INTEGER NOT NULL,\n      name TEXT NOT NULL COLLATE NOCASE,',
  },
  {
    name: 'names-folded-by-collation',
    recreates: 'CVE-2026-55170',
    what: 'types and relations that differ by case are the same',
    file: 'src/storage/sqlite/schema.ts',
    text: '    text TEXT NOT NULL,',
    replacement: '    text TEXT NOT NULL COLLATE NOCASE,',
  },
  {
    name: 'ids-normalised',
    recreates: 'CVE-2026-55170',
    what: 'an id is looked up in its normal form, and was stored in another',
    file: 'src/storage/sqlite/texts.ts',
    text: 'return findEntity.get(store, type, name) ?? 0;',
    replacement: "return findEntity.get(store, type, name.normalize('NFC')) ?? 0;",
  },
  {
    name: 'runs-end-at-the-first',
    recreates: 'class: >100 groups dropped',
    what: 'of a long range only the first run is read',
    file: 'src/storage/sqlite/snapshot.ts',
    text: 'const next = entities.length > length ? (entities[length - 1] as number) : 0;',
    replacement: 'const next = 0;',
  },
  {
    name: 'runs-skip-one',
    recreates: 'CVE-2024-27101',
    what: 'the tuple between two runs is in neither',
    file: 'src/storage/sqlite/snapshot.ts',
    text: 'const next = entities.length > length ? (entities[length - 1] as number) : 0;',
    replacement: 'const next = entities.length > length ? (entities[length] as number) : 0;',
  },
  {
    name: 'guards-of-the-first-run',
    recreates: 'CVE-2024-27101',
    what: 'later runs have the conditions of the first',
    file: 'src/storage/sqlite/snapshot.ts',
    text: 'const guards = guarded ? range.guards.all(...prefix, after, length) : undefined;',
    replacement: 'const guards = guarded ? range.guards.all(...prefix, 0, length) : undefined;',
  },
  {
    name: 'large-write-cut',
    recreates: 'CVE-2025-64529',
    what: 'of a large write a part is acknowledged and not stored',
    file: 'src/storage/sqlite/apply-tuples.ts',
    text: 'for (const tuple of write.writes) {',
    replacement: 'for (const tuple of write.writes.slice(0, 32)) {',
  },
  {
    name: 'find-ignores-subject-relation',
    recreates: 'CVE-2025-55213',
    what: 'a tuple of an object is found by one of a userset of it',
    file: 'src/storage/sqlite/snapshot.ts',
    text: 'const parts = [typeOf(object), relation, typeOf(subject), subjectRelation] as const;',
    replacement: 'const parts = [typeOf(object), relation, typeOf(subject), 0] as const;',
  },
  {
    name: 'run-of-another-userset',
    recreates: 'CVE-2025-55213',
    what: 'usersets are read whichever relation they name',
    file: 'src/storage/sqlite/snapshot.ts',
    text: "const subjectsAre = 'store = +? AND object = +? AND kind = +? AND subject > +?';",
    replacement:
      "const subjectsAre = 'store = +? AND object = +? AND kind >= 0 * ? AND subject > +?';",
  },
  {
    name: 'find-in-any-store',
    recreates: 'Keto: across tenants',
    what: 'a tuple is found in whichever store has the same integers',
    file: 'src/storage/sqlite/snapshot.ts',
    text: "'SELECT guard FROM tuple WHERE store = ? AND object = ?",
    replacement: "'SELECT guard FROM tuple WHERE store >= 0 * ? AND object = ?",
  },
  {
    name: 'run-of-any-store',
    recreates: 'Keto: across tenants',
    what: 'usersets are read in whichever store has the same integers',
    file: 'src/storage/sqlite/snapshot.ts',
    text: "const subjectsAre = 'store = +? AND object = +?",
    replacement: "const subjectsAre = 'store >= 0 * ? AND object = +?",
  },
];

const expiry: readonly Mutant[] = [
  {
    name: 'expired-tuple-counts',
    recreates: 'class: expired grants',
    what: 'a tuple that has expired counts until it is collected',
    file: 'src/engine/facts.ts',
    text: 'if (isExpired(expiresAt, this.request.now) || !allows(edge, condition)) return falseValue;',
    replacement: 'if (!allows(edge, condition)) return falseValue;',
  },
  {
    name: 'expired-a-moment-late',
    recreates: 'class: expired grants',
    what: 'a tuple counts at the very moment when it expires',
    file: 'src/model/tuple.ts',
    text: 'return expiresAt !== undefined && expiresAt <= now;',
    replacement: 'return expiresAt !== undefined && expiresAt < now;',
  },
  {
    name: 'expired-tuple-is-read',
    recreates: 'class: expired grants',
    what: 'Read gives tuples that have expired',
    file: 'src/storage/sqlite/tuple-range.ts',
    text: 'AND guard.expires_at <= +?))`;',
    replacement: 'AND guard.expires_at <= 0 * +?))`;',
  },
  {
    name: 'expired-tuple-is-a-duplicate',
    recreates: 'class: expired grants',
    what: 'a tuple that has expired cannot be written again until it is collected',
    file: 'src/storage/sqlite/apply-tuples.ts',
    text: '  if (isDue(stored.expiresAt, at)) {\n    // Nobody',
    replacement: '  if (isDue(stored.expiresAt, -at)) {\n    // Nobody',
  },
];

const lists: readonly Mutant[] = [
  {
    name: 'cursor-of-another-query',
    recreates: 'class: cursor not bound',
    what: 'a list goes on with the cursor of another one',
    file: 'src/service/paged-list.ts',
    text: "return ['list', store, query];",
    replacement: "return ['list', store, query.slice(0, 0)];",
  },
  {
    name: 'cursor-of-another-store',
    recreates: 'class: cursor not bound',
    what: 'a list goes on with the cursor of another store',
    file: 'src/service/paged-list.ts',
    text: "return ['list', store, query];",
    replacement: "return ['list', store.slice(0, 0), query];",
  },
  {
    name: 'page-repeats-its-last-row',
    recreates: 'class: missed results',
    what: 'a page begins with the last row of the page before',
    file: 'src/service/paged-list.ts',
    text: 'const position = [end, key.model, key.revision, key.now, key.subject];',
    replacement: 'const position = [end - 1, key.model, key.revision, key.now, key.subject];',
  },
  {
    name: 'page-of-another-revision',
    recreates: 'class: new enemy',
    what: 'a page is of the list that was kept first, whatever the revision',
    file: 'src/service/list-cache.ts',
    text: 'return JSON.stringify([store, query, subject, model, revision, now]);',
    replacement: 'return JSON.stringify([store, query, subject, model, revision - revision, now]);',
  },
  {
    name: 'page-of-another-list',
    recreates: 'CVE-2026-41131',
    what: 'a page is of the list that was kept first, whatever was asked for',
    file: 'src/service/list-cache.ts',
    text: 'return JSON.stringify([store, query, subject, model, revision, now]);',
    replacement:
      'return JSON.stringify([store, query.slice(0, 0), subject, model, revision, now]);',
  },
  {
    name: 'exceptions-of-wildcard-dropped',
    recreates: 'class: wildcard in lists',
    what: 'whom a listed wildcard leaves out is not said',
    file: 'src/service/query-subjects.ts',
    text: 'except: except.map((id) => formatObject({ type: subject.type, id })),',
    replacement:
      'except: except.slice(0, 0).map((id) => formatObject({ type: subject.type, id })),',
  },
  {
    name: 'scope-ignored',
    recreates: 'class: filter ignored',
    what: 'objects outside the scope that was asked for are listed',
    file: 'src/service/query-objects.ts',
    text: 'const scope = readScope(model, request.scope);',
    replacement: 'const scope = readScope(model, undefined);',
  },
  {
    name: 'scope-always-deep',
    recreates: 'class: filter ignored',
    what: 'a direct scope holds what is deeper too',
    file: 'src/engine/scope.ts',
    text: 'if (!scope.direct) queue.push({ ...child, type: child.relation.type });',
    replacement: 'queue.push({ ...child, type: child.relation.type });',
  },
  {
    name: 'scope-follows-unmet-conditions',
    recreates: 'CVE-2022-23542',
    what: 'a tuple whose condition is not met puts its object into the scope',
    file: 'src/engine/scope.ts',
    text: 'if (child.value === falseValue || found.has(child.object)) continue;',
    replacement: 'if (found.has(child.object)) continue;',
  },
  {
    name: 'token-of-list-not-renewed',
    recreates: 'class: new enemy',
    what: 'a list that begins again on a held snapshot names the revision of its first attempt',
    file: 'src/service/list.ts',
    text: '      setToken(this.#call, store, snapshot.revision);\n',
    replacement: '',
  },
  {
    name: 'met-is-forgotten',
    recreates: 'class: missed results',
    what: 'what a list has met is forgotten when its set grows',
    file: 'src/engine/entity-set.ts',
    text: 'for (const entity of old) if (entity !== empty) this.slots[this.slotOf(entity)] = entity;',
    replacement: 'assert(old.length < this.slots.length, "it grows");',
  },
  {
    name: 'other-entity-taken-for-met',
    recreates: 'class: missed results',
    what: 'an entity counts as met when another one has its place in the set',
    file: 'src/engine/entity-set.ts',
    text: 'if (this.slots[slot] === entity) return false;',
    replacement: 'if (this.slots[slot] !== empty || (entity & 7) === 7) return false;',
  },
  {
    name: 'guarded-run-taken-whole',
    recreates: 'class: list unlike check',
    what: 'a list takes tuples with conditions as they are',
    file: 'src/engine/backward-walk.ts',
    text: 'if (run.guards !== undefined || confirm !== undefined || !edge.unguarded) return false;',
    replacement: 'if (confirm || !edge.unguarded) return false;',
  },
  {
    name: 'unguarded-run-where-a-condition-must-be',
    recreates: 'class: list unlike check',
    what: 'a list takes tuples without the condition that the model wants of them',
    file: 'src/engine/backward-walk.ts',
    text: 'if (run.guards !== undefined || confirm !== undefined || !edge.unguarded) return false;',
    replacement: 'if (run.guards !== undefined || confirm !== undefined) return false;',
  },
  {
    name: 'candidates-taken-for-proven',
    recreates: 'class: list unlike check',
    what: 'a list takes whoever is in one operand of `and`, or the base of `but not`',
    file: 'src/engine/backward-walk.ts',
    text: 'if (run.guards !== undefined || confirm !== undefined || !edge.unguarded) return false;',
    replacement: 'if (run.guards !== undefined || !edge.unguarded) return false;',
  },
  {
    name: 'rest-is-not-asked',
    recreates: 'class: list unlike check',
    what: 'a list asks what else a candidate must have, or must not, and takes any answer',
    file: 'src/engine/candidates.ts',
    text: 'if (holds === ask.wanted) continue;',
    replacement: 'if (holds !== undefined) continue;',
  },
  {
    name: 'rest-decides-a-union',
    recreates: 'class: missed results',
    what: 'a list leaves out what one part of `or` denies, whatever the other parts say',
    file: 'src/engine/candidates.ts',
    text: 'return holds !== undefined && decides ? denied',
    replacement: 'return holds !== undefined ? denied',
  },
  {
    name: 'contextual-tuple-does-not-replace',
    recreates: 'class: list unlike check',
    what: 'a stored tuple counts for a list though a contextual one has its key',
    file: 'src/engine/backward-walk.ts',
    text: 'return !literal || !this.facts.isOverlaid;',
    replacement: 'return !literal || edge.unguarded;',
  },
  {
    name: 'contextual-tuple-does-not-replace-a-subject',
    recreates: 'class: list unlike check',
    what: 'a stored tuple counts for a list of subjects though a contextual one has its key',
    file: 'src/engine/subject-system.ts',
    text: 'const isPlain = run.guards === undefined && !this.facts.isOverlaid;',
    replacement: 'const isPlain = run.guards === undefined;',
  },
  {
    name: 'subjects-of-operators-left-out',
    recreates: 'class: missed results',
    what: 'who is in a relation by way of `and` or `but not` is not listed',
    file: 'src/engine/list-subjects.ts',
    text: 'if (system.operators.length === 0 && !system.doubtful) {',
    replacement: 'if (!system.doubtful) {',
  },
  {
    name: 'doubts-taken-one-way',
    recreates: 'CVE-2024-31452',
    what: 'a list of subjects takes a doubt for the same on both sides of `but not`',
    file: 'src/engine/subject-solution.ts',
    text: 'if (this.system.doubtful) return false;',
    replacement: '',
  },
  {
    name: 'slice-loses-what-it-found',
    recreates: 'class: missed results',
    what: 'a list goes on after a pause at the next run of tuples',
    file: 'src/engine/backward-walk.ts',
    text: '    this.steps.spend(end - from);\n    return end;',
    replacement: '    this.steps.spend(end - from);\n    return run.end;',
  },
];

const writes: readonly Mutant[] = [
  {
    name: 'retry-is-a-second-write',
    recreates: 'class: lost updates',
    what: 'a write is done again under its idempotency key',
    file: 'src/storage/sqlite/idempotency.ts',
    text: 'if (row === undefined) return undefined;',
    replacement: 'if (row === undefined || row[1] > 0) return undefined;',
  },
  {
    name: 'preconditions-ignored',
    recreates: 'class: lost updates',
    what: 'a write is done though its preconditions do not hold',
    file: 'src/storage/sqlite/apply-tuples.ts',
    text: 'if (write.preconditions !== undefined) refuseUnmet(target, write.preconditions);',
    replacement: 'if (write.preconditions === undefined) refuseUnmet(target, []);',
  },
  {
    name: 'replacement-ignored',
    recreates: 'class: lost updates',
    what: 'a tuple that is replaced keeps its condition',
    file: 'src/storage/sqlite/apply-tuples.ts',
    text: '    rows.replace(key, guard, tuple.expiresAt);\n',
    replacement: '',
  },
  {
    name: 'deletes-more-than-the-filter',
    recreates: 'class: filter ignored',
    what: 'deleting by filter looks at the part of the key by which storage is read alone',
    file: 'src/storage/sqlite/delete-tuples.ts',
    text: 'return range.rest.every((column) => columnOf(row, column) === wanted.get(column));',
    replacement: 'return range.rest.length >= 0;',
  },
];

const sides: readonly Mutant[] = [
  {
    name: 'closure-outlives-its-tuples',
    recreates: 'class: stale caches',
    what: 'what a subject has is remembered after tuples of it were written or deleted',
    file: 'src/engine/memory.ts',
    text: 'return entry.asOf === asOf ? entry : undefined;',
    replacement: 'return entry;',
  },
  {
    name: 'deletes-change-nothing',
    recreates: 'class: stale caches',
    what: 'a deleted tuple is no change of its kind',
    file: 'src/storage/resident/graph.ts',
    text: 'this.changedAt[kind] = revision;',
    replacement: 'if (change.guard >= 0) this.changedAt[kind] = revision;',
  },
  {
    name: 'changes-of-another-kind',
    recreates: 'class: stale caches',
    what: 'of usersets in a relation, it is asked when its objects changed',
    file: 'src/engine/sides.ts',
    text: 'stored.lastChange(relation, subjectType, subjectRelation));',
    replacement: 'stored.lastChange(relation, subjectType, 0 * subjectRelation));',
  },
  {
    name: 'changes-of-members-missed',
    recreates: 'class: stale caches',
    what: 'a closure does not depend on the tuples that name the subject',
    file: 'src/engine/plain.ts',
    text: 'of hopsOnly ? [] : uses.literals',
    replacement: 'of hopsOnly ? uses.literals : []',
  },
  {
    name: 'closure-of-anybody',
    recreates: 'class: keys that leave something out',
    what: 'what one subject has is remembered for all of its type',
    file: 'src/engine/sides.ts',
    text: 'const about = [facts.type, facts.entity, relation];',
    replacement: 'const about = [facts.type, relation];',
  },
  {
    name: 'closure-of-any-relation',
    recreates: 'class: keys that leave something out',
    what: 'what a subject has of one relation is remembered for every relation',
    file: 'src/engine/sides.ts',
    text: 'const about = [facts.type, facts.entity, relation];',
    replacement: 'const about = [facts.type, facts.entity];',
  },
  {
    name: 'closure-ignores-conditions',
    recreates: 'CVE-2024-46989',
    what: 'a tuple with a condition leads on from the subject like any other',
    file: 'src/engine/held.ts',
    text: `      if (guard !== noGuard) this.stopped = 'guarded';
      return guard === noGuard && edge.unguarded;`,
    replacement: '      return true;',
  },
  {
    name: 'closure-of-open-conditions-is-whole',
    recreates: 'CVE-2024-46989',
    what: 'behind a condition that nobody can tell the subject has nothing',
    file: 'src/engine/held.ts',
    text: 'if (value !== trueValue && value !== falseValue) this.whole = false;',
    replacement: '',
  },
  {
    name: 'closure-forgets-wildcards',
    recreates: 'CVE-2022-21646',
    what: 'what is given to everybody is nothing that the subject has',
    file: 'src/engine/held.ts',
    text: 'if (subject !== 0) this.follow(',
    replacement: 'if (subject !== 0 && !edge.wildcard) this.follow(',
  },
  {
    name: 'smaller-side-ignores-conditions',
    recreates: 'CVE-2024-46989',
    what: 'a tuple between the object and what the subject has counts whatever its condition',
    file: 'src/engine/sides.ts',
    text: 'const condition = facts.between(edge, object, relation, subject);',
    replacement: 'const condition = facts.between(edge, object, relation, subject) && trueValue;',
  },
  {
    name: 'run-side-ignores-conditions',
    recreates: 'CVE-2024-46989',
    what: 'the same, where the tuples of the object are fewer',
    file: 'src/engine/sides.ts',
    text: 'const condition = facts.weigh(edge, guard, object, relation, subject);',
    replacement: 'const condition = guard === noGuard ? trueValue : trueValue;',
  },
  {
    name: 'usersets-have-what-objects-have',
    recreates: 'class: kinds of subject mixed up',
    what: 'a userset that asks is looked up like an object',
    file: 'src/engine/sides.ts',
    text: 'return this.facts.index === -1 && this.plain.isPlain[relation] === 1;',
    replacement: 'return this.plain.isPlain[relation] === 1;',
  },
  {
    name: 'intersections-are-plain',
    recreates: 'CVE-2024-42473',
    what: 'one side of an `and` or a `but not` is enough to have it',
    file: 'src/engine/plain.ts',
    text: "return plan.kind !== 'intersection' && plan.kind !== 'exclusion';",
    replacement: 'return true;',
  },
  {
    name: 'plain-above-what-is-not',
    recreates: 'CVE-2024-42473',
    what: 'a union is plain whatever it is a union of',
    file: 'src/engine/plain.ts',
    text: 'isUnions && all.every((target) => inside.has(target) || isPlain[target] === 1)',
    replacement: 'isUnions',
  },
  {
    name: 'sweep-trusts-open-conditions',
    recreates: 'CVE-2024-46989',
    what: 'a sweep follows a tuple whose condition nobody can tell',
    file: 'src/engine/sweep.ts',
    text: 'if (condition !== trueValue || next === undefined) return untold;',
    replacement: 'if (next === undefined) return untold;',
  },
  {
    name: 'sweep-asks-less-than-it-says',
    recreates: 'class: missed results',
    what: 'an object that was visited for one relation counts as visited for all',
    file: 'src/engine/relation-sets.ts',
    text: 'other.relations.every((relation)',
    replacement: 'other.relations.some((relation)',
  },
  {
    name: 'sweep-keeps-too-much',
    recreates: 'class: keys that leave something out',
    what: 'what a sweep found of one set of relations is remembered for all of them',
    file: 'src/engine/sweep.ts',
    text: 'this.known.set(object * setsMax + set.number, has);',
    replacement: `for (let other = 0; other < 40; other++) this.known.set(object * setsMax + other, has);
    void set;`,
  },
  {
    name: 'closure-without-contextual-tuples',
    recreates: 'class: contextual tuples ignored',
    what: 'what is remembered of stored tuples answers beside contextual ones',
    file: 'src/engine/facts.ts',
    text: 'return kinds.some((kind) => this.contextual?.has(kind)) ? undefined : this.contextual.base;',
    replacement: 'return kinds.length === 0 ? undefined : this.contextual.base;',
  },
  {
    name: 'pruning-forgets-wildcards',
    recreates: 'CVE-2022-21646',
    what: 'a relation that takes only wildcards of a type is out of reach of its objects',
    file: 'src/model/reach.ts',
    text: 'relation.edges.some((edge) => edge.target === -1 && edge.subjectType === type),',
    replacement:
      'relation.edges.some((edge) => edge.target === -1 && edge.subjectType === type && !edge.wildcard),',
  },
  {
    name: 'pruning-forgets-usersets',
    recreates: 'class: kinds of subject mixed up',
    what: 'a relation is out of reach where only usersets lead to it',
    file: 'src/model/reach.ts',
    text: 'edge.target === -1 ? edge.subjectType === objects : reached[edge.target] === 1,',
    replacement: 'edge.target === -1 && edge.subjectType === objects,',
  },
  {
    name: 'open-ban-is-a-ban',
    recreates: 'CVE-2024-31452',
    what: 'a cheap subtracted side that nobody can tell is taken for true',
    file: 'src/engine/walk.ts',
    text: 'if (first && this.subtracts(plan.subtract, object, relation, depth) === trueValue) {',
    replacement:
      'if (first && this.subtracts(plan.subtract, object, relation, depth) !== falseValue) {',
  },
  {
    name: 'open-probe-is-false',
    recreates: 'CVE-2024-31452',
    what: 'a cheap side of an `and` that nobody can tell is taken for false',
    file: 'src/engine/walk.ts',
    text: 'if (this.evaluate(probe, object, relation, depth) === falseValue) return true;',
    replacement: 'if (this.evaluate(probe, object, relation, depth) !== trueValue) return true;',
  },
];

export const mutants: readonly Mutant[] = [
  ...sides,
  ...cycles,
  ...errors,
  ...restrictions,
  ...ways,
  ...keys,
  ...overlays,
  ...conditions,
  ...storage,
  ...expiry,
  ...lists,
  ...writes,
  ...graphMutants,
];
