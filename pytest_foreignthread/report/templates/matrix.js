"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const grid = byId("grid"), text = byId("text"), outcome = byId("outcome"), mode = byId("mode"), dialog = byId("report");
  const verdicts = [...byId("verdicts").children];
  const CHUNK = 50, GOOD = ["passed", "skipped", "xfailed", "xpassed"];
  let verdict = "", shown = [], columns = [], built = [], pending = 0, current = [0, 1];

  // All text of tests goes through textContent: none of it is ever read as HTML.
  function element(name, properties = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(properties)) {
      if (key in made) made[key] = value;
      else made.setAttribute(key, value);
    }
    made.append(...children);
    return made;
  }

  function searchable(row) {
    const cells = row.cells.filter(Boolean);
    return [row.test, data.verdicts ? row.verdict : "", row.how, ...cells.flatMap((cell) => [cell.diagnosis, cell.short])].join("\n").toLowerCase();
  }
  for (const row of data.rows) row.text = searchable(row);

  function matches(row, words) {
    if (verdict && row.verdict !== verdict) return false;
    const cells = columns.map((column) => row.cells[column]).filter(Boolean);
    if (mode.value && !cells.length) return false;
    if (outcome.value && !cells.some((cell) => cell.outcomes.includes(outcome.value))) return false;
    return words.every((word) => row.text.includes(word));
  }

  function filter() {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    columns = data.modes.map((name, index) => index).filter((index) => !mode.value || data.modes[index] === mode.value);
    shown = data.rows.filter((row) => matches(row, words));
    for (const button of verdicts) button.setAttribute("aria-pressed", String(button.dataset.verdict === verdict));
    byId("count").textContent = `${shown.length} of ${data.rows.length} tests`;
    restart();
  }

  // A name, the verdict and each mode need so many rem side by side; on less each test stands above its cells.
  function fit() {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    grid.classList.toggle("stacked", grid.clientWidth < rem * (23 + 4.6 * columns.length));
  }

  function restart() {
    cancelAnimationFrame(pending);
    fit();
    built = [];
    current = [0, 1];
    grid.style.setProperty("--modes", columns.length);
    grid.setAttribute("aria-rowcount", shown.length + 1);
    grid.setAttribute("aria-colcount", columns.length + (data.verdicts ? 2 : 1));
    grid.classList.toggle("judged", data.verdicts);
    grid.replaceChildren(head(), ...(shown.length ? [] : [element("p", { className: "empty" }, "No test matches.")]));
    more();
  }

  function head() {
    const titles = ["test", ...columns.map((column) => data.modes[column]), ...(data.verdicts ? ["verdict"] : [])];
    const cells = titles.map((title) => element("span", { role: "columnheader", title }, title));
    if (data.verdicts) cells.at(-1).dataset.verdict = "";
    return element("div", { className: "head", role: "row", "aria-rowindex": 1 }, ...cells);
  }

  // The first rows are there at once and the others follow frame by frame, so that even thousands do not block the page.
  function more() {
    const start = built.length;
    if (start >= shown.length) return;
    let end = start + 1;
    while (end < shown.length && end < start + CHUNK && shown[end].file === shown[start].file) end++;
    const file = shown[start].file;
    const chunk = element("div", { className: "chunk", role: "rowgroup", "aria-label": file });
    if (!start || shown[start - 1].file !== file) {
      chunk.append(element("div", { className: "file", role: "row" }, element("span", { role: "rowheader" }, file)));
    }
    for (let index = start; index < end; index++) built.push(chunk.appendChild(rowElement(shown[index], index)));
    chunk.style.setProperty("--height", `${(end - start) * 34}px`);
    grid.append(chunk);
    if (!start) focusable(0, 1).tabIndex = 0;
    pending = requestAnimationFrame(() => { for (let n = 0; n < 4; n++) more(); });
  }

  function rowElement(row, index) {
    const name = element("div", { className: "name", role: "rowheader" }, row.name);
    if (row.how) name.append(element("small", {}, row.how));
    const cells = columns.map((column) => element("div", { role: "gridcell" }, cellElement(row, column)));
    const word = element("div", { className: `verdict ${row.verdict}`, role: "gridcell", title: row.how }, row.verdict);
    return element("div", { className: "test", role: "row", "aria-rowindex": index + 2 }, name, ...cells, ...(data.verdicts ? [word] : []));
  }

  function cellElement(row, column) {
    const cell = row.cells[column], name = data.modes[column];
    if (!cell) return element("span", { className: "cell", tabIndex: -1, role: "img", "aria-label": `${name}: not run` }, "–");
    const button = element("button", {
      type: "button", className: `cell ${cell.outcome}`, tabIndex: -1, title: cell.diagnosis || cell.short || "",
      "aria-label": `${name}: ${cell.word}`, "aria-haspopup": "dialog", "data-mode": name,
    }, cell.word);
    button.addEventListener("click", () => open(row, column));
    return button;
  }

  const focusable = (row, column) => built[row].children[column].firstElementChild;

  function go(row, column) {
    row = Math.max(0, Math.min(row, shown.length - 1));
    column = Math.max(1, Math.min(column, columns.length));
    while (built.length <= row) { cancelAnimationFrame(pending); more(); }
    focusable(...current).tabIndex = -1;
    current = [row, column];
    const target = focusable(row, column);
    target.tabIndex = 0;
    target.focus();
    target.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  const MOVES = {
    ArrowUp: ([row, column]) => [row - 1, column], ArrowDown: ([row, column]) => [row + 1, column],
    ArrowLeft: ([row, column]) => [row, column - 1], ArrowRight: ([row, column]) => [row, column + 1],
    PageUp: ([row, column]) => [row - 15, column], PageDown: ([row, column]) => [row + 15, column],
    Home: ([row], all) => [all ? 0 : row, 1], End: ([row], all) => [all ? shown.length - 1 : row, columns.length],
  };

  grid.addEventListener("keydown", (event) => {
    const move = MOVES[event.key];
    if (!move || event.altKey || event.metaKey || !built.length) return;
    event.preventDefault();
    go(...move(current, event.ctrlKey));
  });
  grid.addEventListener("focusin", (event) => {
    const row = built.indexOf(event.target.closest(".test"));
    if (row < 0) return;
    const column = [...built[row].children].indexOf(event.target.parentElement);
    focusable(...current).tabIndex = -1;
    current = [row, column];
    event.target.tabIndex = 0;
  });

  document.addEventListener("keydown", (event) => {
    if (dialog.open || event.ctrlKey || event.altKey || event.metaKey) return;
    const typing = event.target.matches("input, select");
    if (event.key === "/" && !typing) {
      event.preventDefault();
      text.focus();
      text.select();
    } else if (event.key === "Escape" && typing && built.length) {
      event.preventDefault();
      go(...current);
    }
  });

  function open(row, column) {
    const cell = row.cells[column];
    byId("report-title").textContent = `${row.test} in ${data.modes[column]}`;
    byId("report-body").replaceChildren(...cell.runs.flatMap((run, index) => runElements(run, index, cell.runs.length)));
    dialog.showModal();
    byId("report-title").focus();
    dialog.scrollTop = 0;
  }
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

  function runElements(run, index, total) {
    const parts = [
      element("h3", {}, total > 1 ? `Run ${index + 1} of ${total}: ` : "", element("span", { className: `badge ${run.outcome}` }, run.outcome), ` ${run.facts}`),
    ];
    if (run.diagnosis) parts.push(diagnosisElement(run.diagnosis));
    else if (run.next_steps) parts.push(undiagnosedElement(run.next_steps));
    if (run.stress) parts.push(...stressElements(run.stress));
    if (run.at) parts.push(element("p", {}, "at: ", element("code", {}, run.at)));
    if (run.message) parts.push(element("p", { className: "message" }, run.message));
    if (run.fault) parts.push(element("p", {}, run.fault));
    if (run.problematic_frame) parts.push(element("p", {}, "problematic frame: ", element("code", {}, run.problematic_frame)));
    for (const text of run.uncaught || []) parts.push(element("pre", { tabIndex: 0 }, text));
    if (run.threads) parts.push(element("h4", {}, "Threads"), ...run.threads.map(threadElement));
    if (run.idle) {
      const title = `${run.idle.length} idle ${run.idle.length === 1 ? "thread" : "threads"}`;
      parts.push(element("details", { className: "idle" }, element("summary", {}, title), ...run.idle.map(threadElement)));
    }
    parts.push(...listed("Documents", run.artifacts), ...listed("Not available", run.missing));
    if (run.notes) parts.push(element("h4", {}, "Notes"), element("ul", {}, ...run.notes.map((note) => element("li", {}, note))));
    parts.push(element("h4", {}, "Run again"), element("pre", { tabIndex: 0 }, run.rerun));
    return parts;
  }

  function stressElements(stress) {
    const counts = stress.outcomes.map(([word, number]) => element("span", { className: `badge ${word}` }, `${number} ${word}`));
    const parts = [
      element("h4", {}, "Rounds"), element("p", {}, stress.verdict), courseElement(stress.course),
      element("p", { className: "scale", "aria-hidden": "true" }, element("span", {}, "round 1"), element("span", {}, `round ${stress.done}`)),
      element("p", { className: "counts" }, ...counts), element("p", {}, stress.durations, ", run seed ", seedElement(stress.seed)),
    ];
    if (stress.rows.length) parts.push(element("ul", { className: "rows" }, ...stress.rows.map(failureElement)));
    if (stress.shrunk) {
      const without = stress.shrunk.without.map((line) => element("li", {}, line));
      parts.push(element("p", {}, stress.shrunk.verdict), element("ul", {}, ...without));
    }
    if (stress.rerun.length) parts.push(element("h4", {}, "Repeat"), ...stress.rerun.map((line) => element("pre", { tabIndex: 0, className: "seed" }, line)));
    return parts;
  }

  // One bar for each bin of rounds, the failures at its foot.
  function courseElement(course) {
    const space = "http://www.w3.org/2000/svg";
    const shape = (name, attributes, ...children) => {
      const made = document.createElementNS(space, name);
      for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
      made.append(...children);
      return made;
    };
    const bars = course.map((bin, index) => {
      let top = 100;
      const rects = bin.parts.map(([word, share]) => {
        top -= share * 100;
        return shape("rect", { class: word, x: index * 10, y: top, width: 9, height: share * 100 });
      });
      return shape("g", {}, shape("title", {}, bin.words), ...rects);
    });
    const label = `Outcomes over the rounds: ${course.map((bin) => bin.words).join("; ")}`;
    return shape("svg", { class: "course", viewBox: `0 0 ${course.length * 10} 100`, preserveAspectRatio: "none", role: "img", "aria-label": label }, ...bars);
  }

  function failureElement(row) {
    return element("li", {},
      element("p", {}, `${row.count}× `, element("span", { className: `badge ${row.outcome}` }, row.outcome), ` ${row.summary}`),
      element("p", {}, `first in round ${row.first_round}, seed `, seedElement(row.seed), `: ${row.schedule}`));
  }

  // A click selects all of it.
  function seedElement(seed) {
    return element("code", { className: "seed" }, seed);
  }

  function diagnosisElement(found) {
    const link = element("a", { href: found.page, rel: "noreferrer", target: "_blank" }, found.code);
    const proof = found.evidence.map((line) => element("li", {}, line));
    return element("section", { className: "diagnosis", "aria-label": "Diagnosis" },
      element("p", {}, element("b", {}, link, ": "), found.text), element("ul", {}, ...proof), element("p", {}, element("b", {}, "help: "), found.help));
  }

  function undiagnosedElement(steps) {
    const items = steps.map((step) => element("li", {}, `try ${step}`));
    return element("section", { className: "diagnosis none", "aria-label": "Diagnosis" },
      element("p", {}, element("b", {}, "no diagnosis: "), "what was found proves no known cause"), element("ul", {}, ...items));
  }

  function threadElement(thread) {
    const parts = [element("summary", {}, element("b", {}, thread.title), thread.state ? `: ${thread.state}` : "")];
    if (thread.apart) parts.push(element("p", {}, `not in one order: ${thread.apart}`));
    parts.push(...thread.stacks.map(stackElement));
    if (thread.whole.length) {
      parts.push(element("details", { className: "whole" }, element("summary", {}, "all frames"), ...thread.whole.map(stackElement)));
    }
    if (thread.locks.length) parts.push(element("pre", { tabIndex: 0 }, thread.locks.join("\n")));
    return element("details", { open: thread.current }, ...parts);
  }

  function stackElement(stack) {
    return element("pre", { tabIndex: 0 }, ...stack.flatMap((number) => frameParts(data.lines[number])));
  }

  function frameParts([language, words]) {
    if (!language) return [element("span", { className: "folded" }, words), "\n"];
    return [element("span", { className: `tag ${language.toLowerCase()}` }, `(${language})`), ` ${words}\n`];
  }

  function listed(title, entries) {
    if (!entries) return [];
    const items = Object.entries(entries).flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]);
    return [element("h4", {}, title), element("dl", {}, ...items)];
  }

  for (const button of verdicts) {
    button.addEventListener("click", () => { verdict = verdict === button.dataset.verdict ? "" : button.dataset.verdict; filter(); });
  }
  for (const input of [text, outcome, mode]) input.addEventListener("input", filter);
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  // The fields still have their old values while the event is on its way.
  byId("filters").addEventListener("reset", () => { verdict = ""; setTimeout(filter); });
  addEventListener("resize", fit);

  // On paper all is open, and the reports of what broke follow the grid: there is nothing to click.
  let opened = [];
  addEventListener("beforeprint", () => {
    while (built.length < shown.length) { cancelAnimationFrame(pending); more(); }
    byId("printed").replaceChildren(...shown.flatMap(brokenReports));
    opened = [...document.querySelectorAll("details:not([open]):not(.whole)")];
    for (const one of opened) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of opened) one.open = false;
    opened = [];
    byId("printed").replaceChildren();
  });

  function brokenReports(row) {
    return columns.flatMap((column) => {
      const runs = (row.cells[column] || { runs: [] }).runs.filter((run) => !GOOD.includes(run.outcome));
      if (!runs.length) return [];
      const title = element("h2", {}, `${row.test} in ${data.modes[column]}`);
      return [element("article", {}, title, ...runs.flatMap((run, index) => runElements(run, index, runs.length)))];
    });
  }
  filter();
})();
