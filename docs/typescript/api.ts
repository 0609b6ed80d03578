/** Typed requests to the function. `reports-api.ts` is made from its description: npx openapi-typescript@7 https://…/openapi.json -o reports-api.ts */

import type { components, operations } from "./reports-api";

export type Report = components["schemas"]["Report"];
export type Problem = components["schemas"]["Problem"];
export type ListName = components["schemas"]["CustomerList"]["list"];
type ReportQuery = operations["generateReport"]["parameters"]["query"];
type ListQuery = operations["listCustomers"]["parameters"]["query"];
export type Layout = NonNullable<ListQuery["layout"]>;

/** Where the function is, and a key that covers the client. A key in a browser is a key that its user has. */
export interface Access {
  reportsUrl: string;
  apiKey: string;
}

/** What the function answered instead of a report. Its message is a sentence for the reader. */
export class ProblemError extends Error {
  constructor(readonly status: number, readonly problem: Problem | null) {
    super(problem?.detail ?? `The answer was an error (${status}).`);
  }
}

async function get(access: Access, url: URL, signal?: AbortSignal): Promise<Response> {
  const response = await fetch(url, { headers: { "X-API-Key": access.apiKey }, signal: signal ?? null });
  if (response.ok) return response;
  const problem: Problem | null = await response.json().catch(() => null);
  throw new ProblemError(response.status, problem);
}

function address(access: Access, path: string, query: ReportQuery | ListQuery): URL {
  const url = new URL(`${access.reportsUrl.replace(/\/$/, "")}${path}`, globalThis.location?.href);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null) url.searchParams.set(name, String(value)); // a list gets its commas
  }
  return url;
}

export async function fetchReport(access: Access, query: Omit<ReportQuery, "format">, signal?: AbortSignal): Promise<Report> {
  const response = await get(access, address(access, "/reports/generate", { ...query, format: "json" }), signal);
  return response.json();
}

export async function fetchPdf(access: Access, query: Omit<ReportQuery, "format">, signal?: AbortSignal): Promise<Blob> {
  const response = await get(access, address(access, "/reports/generate", { ...query, format: "pdf" }), signal);
  return response.blob();
}

/** Fetch a whole list as CSV, page by page, as the header Link names the next one; the columns' names come once. */
export async function fetchList(access: Access, query: Omit<ListQuery, "format" | "page">, signal?: AbortSignal): Promise<Blob> {
  const parts: string[] = [];
  let next: URL | null = address(access, "/reports/customers", { ...query, format: "csv" });
  while (next) {
    const response: Response = await get(access, next, signal);
    const page = new TextDecoder("utf-8", { ignoreBOM: true }).decode(await response.arrayBuffer());
    parts.push(parts.length ? page.slice(page.indexOf("\r\n") + 2) : page);
    const link: string | undefined = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get("Link") ?? "")?.[1];
    next = link ? new URL(link, next) : null;
  }
  return new Blob(parts, { type: "text/csv" });
}
