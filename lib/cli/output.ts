/** Results on stdout, in the form asked for: a table, JSON lines, or a template. */
import { GantryError } from "../base/errors.ts";
import { alignColumns } from "./columns.ts";
import { type Paint, painter } from "./color.ts";
import type { TextSink } from "./context.ts";
import { escapeControl } from "./escape.ts";
import { parseTemplate, type Template } from "./template.ts";

/** A record that a command prints: what `--json` shows, and what `--format` has as fields. */
export type OutputRecord<R> = { readonly [K in keyof R]: unknown };

/** A column of a table. */
export interface Column<R> {
  /** In capitals, as docker has it: `CONTAINER ID`. */
  readonly header: string;
  /** The field it shows; also the column's title in `--format 'table …'`. */
  readonly field: keyof R & string;
  /** The cell, when it is not the field's value as text. */
  readonly text?: ((record: R) => string) | undefined;
}

/** How a list is printed. */
export interface ListOptions<R> {
  /** Of the table, left to right. */
  readonly columns: readonly Column<R>[];
  /** Prints this field alone, a line for each record (`-q`), whatever else was asked for. */
  readonly quiet?: (keyof R & string) | undefined;
  /** All fields of a record, so that a template is checked also when there is nothing to list. */
  readonly fields: readonly (keyof R & string)[];
}

/** How the output looks. */
export interface OutputOptions {
  readonly json: boolean;
  /** `--format`; undefined for the command's own form. */
  readonly format: string | undefined;
  readonly color: "auto" | "always" | "never";
  readonly env: Readonly<Record<string, string>>;
}

/** Prints results. Everything that comes from outside is escaped when stdout is a terminal. */
export class Output {
  /** For stdout; text that is printed with {@link line} may carry it. */
  readonly paint: Paint;
  readonly #sink: TextSink;
  readonly #json: boolean;
  readonly #template: Template | undefined;

  /** GantryError invalid_argument when the template is not understood. */
  constructor(sink: TextSink, { json, format, color, env }: OutputOptions) {
    this.#sink = sink;
    this.#json = json || format === "json";
    this.#template = format === undefined || format === "json" || format === "table"
      ? undefined
      : parseTemplate(format);
    if (json && this.#template !== undefined) {
      throw new GantryError("invalid_argument", "--json and --format exclude each other", {
        hint: "--format '{{json .}}' prints JSON",
      });
    }
    this.paint = painter({ color, env, isTerminal: sink.isTerminal });
  }

  /** True when results are JSON. */
  get json(): boolean {
    return this.#json;
  }

  /** A list: a table, a JSON line for each record, or the template once for each record. */
  list<R extends OutputRecord<R>>(records: readonly R[], { columns, quiet, fields }: ListOptions<R>): void {
    if (quiet !== undefined) {
      return this.#write(records.map((record) => `${this.#cell(String(record[quiet]))}\n`).join(""));
    }
    if (this.#json) return this.#write(records.map((record) => `${JSON.stringify(record)}\n`).join(""));
    if (this.#template !== undefined) {
      // Rendered once over empty values, so that a wrong field is an error also for an empty list.
      this.#template.render(Object.fromEntries(fields.map((field) => [field, records[0]?.[field] ?? ""])));
      return this.#renderList(records, { template: this.#template, columns });
    }
    const rows = records.map((record) =>
      columns.map(({ field, text }) => this.#cell(text?.(record) ?? plain(record[field])))
    );
    this.#write(alignColumns([columns.map((column) => column.header), ...rows]));
  }

  /** One record: what `text` makes of it, one line of JSON, or the template. */
  one<R extends OutputRecord<R>>(record: R, text: (record: R) => string): void {
    if (this.#json) return this.#write(`${JSON.stringify(record)}\n`);
    if (this.#template !== undefined) return this.#renderList([record], { template: this.#template, columns: [] });
    this.#write(ended(this.#sink.isTerminal ? escapeButColor(text(record)) : text(record)));
  }

  /** Records in full, as `inspect` shows them: one indented JSON array, or the template for each. */
  inspect<R extends OutputRecord<R>>(records: readonly R[]): void {
    if (this.#template !== undefined) return this.#renderList(records, { template: this.#template, columns: [] });
    this.#write(`${JSON.stringify(records, undefined, 2)}\n`);
  }

  /** A line of text that is the result itself, e.g. the id that `run -d` prints; `{"<key>": text}` as JSON. */
  line(text: string, key: string): void {
    this.one({ [key]: text }, () => text);
  }

  /** Text for programs, byte for byte: a generated script or file. */
  raw(text: string): void {
    this.#write(text);
  }

  #renderList<R extends OutputRecord<R>>(
    records: readonly R[],
    { template, columns }: { readonly template: Template; readonly columns: readonly Column<R>[] },
  ): void {
    const lines = records.map((record) => this.#rendered(template, record));
    if (!template.table) return this.#write(lines.map(ended).join(""));
    const header = template.header(new Map(columns.map(({ field, header }) => [field, header])));
    this.#write(alignColumns([header, ...lines].map((line) => line.split("\t"))));
  }

  #rendered<R extends OutputRecord<R>>(template: Template, record: R): string {
    const line = template.render({ ...record });
    return this.#sink.isTerminal ? escapeControl(line) : line;
  }

  #cell(text: string): string {
    // A newline in a label must not break a row.
    return this.#sink.isTerminal ? escapeButColor(text).replaceAll("\n", "\\n") : text.replaceAll("\n", "\\n");
  }

  #write(text: string): void {
    if (text !== "") this.#sink.write(text);
  }
}

function plain(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function ended(line: string): string {
  return line.endsWith("\n") ? line : `${line}\n`;
}

/** Escapes all but the styles that {@link Output.paint} makes. */
function escapeButColor(text: string): string {
  // deno-lint-ignore no-control-regex -- an SGR sequence starts with the control character ESC
  return text.split(/(\u001b\[(?:1|2|22|31|32|33|39)m)/).map((part, index) =>
    index % 2 === 1 ? part : escapeControl(part)
  ).join("");
}
