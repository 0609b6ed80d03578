/**
 * The weekly churn report in a React frontend: choose a week, generate, read, download.
 *
 * The names of the classes are those of the function's own page, so `report/pages/report.css` styles this too.
 */

import { useEffect, useRef, useState, type FormEvent, type ReactNode } from "react";
import { fetchList, fetchPdf, fetchReport, ProblemError, type Access, type Layout, type ListName, type Report } from "./api";

type Data = Report["report_data"];
type Meta = Report["meta"];
type Change = Data["changes"][number];
type HistoryWeek = NonNullable<Data["history"]>[number];
type Action = Data["recommendations"][number];

const NOTHING = "–";
const FIRST_ACTIONS = 3;
const DAY = 86_400_000;
const MIN_WORTH_TELLING = 10;
const LIST_NAMES: Record<ListName, string> = {
  at_risk: "Customers most at risk",
  missing_regulars: "Regulars who did not come",
  high_value: "High-Value customers at risk",
};
const LAYOUTS: Record<Layout, string> = {
  plain: "spreadsheets",
  klaviyo: "Klaviyo",
  mailchimp: "Mailchimp",
  google_ads: "Google Ads",
};

const whole = (value: number) => Math.round(value).toLocaleString("en-US");
const percent = (value: number | null, digits = 1) => (value === null ? NOTHING : `${value.toFixed(digits)}%`);
const counted = (count: number, noun: string) => `${whole(count)} ${noun}${count === 1 ? "" : "s"}`;
const moneyWhole = (amount: number, currency: string) =>
  amount.toLocaleString("en-US", { style: "currency", currency, maximumFractionDigits: 0, minimumFractionDigits: 0 });
const money = (amount: number, currency: string) => amount.toLocaleString("en-US", { style: "currency", currency });

/** Read a date such as 2025-01-19 as that day, whatever the reader's time zone. */
const at = (day: string) => new Date(`${day}T00:00:00Z`);
const asDay = (day: string) => at(day).toLocaleDateString("en-US", { dateStyle: "long", timeZone: "UTC" });
const asShortDay = (day: string) => at(day).toLocaleDateString("en-US", { month: "short", day: "numeric", timeZone: "UTC" });
const weeksAfter = (day: string, weeks: number) => new Date(at(day).getTime() + 7 * weeks * DAY).toISOString().slice(0, 10);
const asPeriod = (first: string, last: string) =>
  new Intl.DateTimeFormat("en-US", { dateStyle: "long", timeZone: "UTC" }).formatRange(at(first), at(last));

export interface ReportsProps extends Access {
  clientId: number;
  /** The week that is chosen first, by its last day; left out, the last full one. */
  weekEnding?: string;
  /** Whether customers are named: for keys that cover personal data. */
  customers?: boolean;
}

/** The page `/dashboard/reports`: a week, "Generate Report", the report, "Download PDF". */
export function Reports({ reportsUrl, apiKey, clientId, weekEnding = "", customers = false }: ReportsProps) {
  const access = { reportsUrl, apiKey };
  const [week, setWeek] = useState(weekEnding);
  const [report, setReport] = useState<Report | null>(null);
  const [doing, setDoing] = useState("");
  const [problem, setProblem] = useState("");
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);

  async function work(what: string, task: (signal: AbortSignal) => Promise<void>) {
    running.current?.abort();
    const abort = (running.current = new AbortController());
    setDoing(what);
    setProblem("");
    try {
      await task(abort.signal);
    } catch (error) {
      if (abort.signal.aborted) return;
      setProblem(error instanceof ProblemError ? error.message : "The report could not be fetched: nothing answered.");
    } finally {
      if (running.current === abort) setDoing("");
    }
  }

  const include: ("customers" | "history")[] = customers ? ["customers", "history"] : ["history"];
  const query = (ending: string) => ({ client_id: clientId, include, ...(ending ? { week_ending: ending } : {}) });

  function generate(ending: string) {
    setWeek(ending);
    setReport(null);
    void work("Making the report.", async (signal) => {
      const made = await fetchReport(access, query(ending), signal);
      setReport(made);
      setWeek(made.week_ending);
    });
  }

  function submit(event: FormEvent) {
    event.preventDefault();
    generate(week);
  }

  function downloadPdf({ week_ending }: Report) {
    void work("Setting the PDF.", async (signal) =>
      save(await fetchPdf(access, query(week_ending), signal), `churn-report-${clientId}-${week_ending}.pdf`),
    );
  }

  function downloadList({ week_ending }: Report, list: ListName, layout: Layout) {
    const name = `${list}${layout === "plain" ? "" : `-${layout}`}`.replaceAll("_", "-");
    void work("Fetching the list.", async (signal) =>
      save(await fetchList(access, { client_id: clientId, week_ending, list, layout }, signal), `${name}-${clientId}-${week_ending}.csv`),
    );
  }

  return (
    <>
      <form onSubmit={submit}>
        <label>
          Week ending <input type="date" value={week} onChange={(event) => setWeek(event.target.value)} />
        </label>{" "}
        {report && (
          <>
            <button type="button" aria-label="Previous week" onClick={() => generate(weeksAfter(report.week_ending, -1))}>
              ‹
            </button>{" "}
            <button
              type="button"
              aria-label="Next week"
              disabled={report.meta.partial || at(report.week_ending).getTime() + DAY > Date.now()}
              onClick={() => generate(weeksAfter(report.week_ending, 1))}
            >
              ›
            </button>{" "}
          </>
        )}
        <button disabled={doing !== ""}>Generate Report</button>{" "}
        {report && (
          <button type="button" disabled={doing !== ""} onClick={() => downloadPdf(report)}>
            Download PDF
          </button>
        )}
      </form>
      <p role="status">{doing}</p>
      {problem && <p role="alert">{problem}</p>}
      {report && <ReportView report={report} onList={(list, layout) => downloadList(report, list, layout)} />}
    </>
  );
}

function save(file: Blob, name: string) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(file), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

export interface ReportViewProps {
  report: Report;
  /** Fetches the list of an action; left out, actions have no lists. */
  onList?: (list: ListName, layout: Layout) => void;
}

/** A report as the function's own page shows it. */
export function ReportView({ report, onList }: ReportViewProps) {
  const { report_data: data, meta } = report;
  const [layout, setLayout] = useState<Layout>("plain");
  const serious = data.caveats.some((caveat) => caveat.severity === "serious");
  const insights = data.keyInsights.filter((insight) => !data.executiveSummary.includes(insight));
  const actionsProps = { currency: meta.currency, ...(onList ? { onList: (list: ListName) => onList(list, layout) } : {}) };
  const [first, more] = [data.recommendations.slice(0, FIRST_ACTIONS), data.recommendations.slice(FIRST_ACTIONS)];
  return (
    <article className="report">
      <p className="shop">
        <bdi>{meta.client_name ?? `Client ${meta.client_id}`}</bdi>{" "}
        <span className="period">{asPeriod(meta.week_start, report.week_ending)}</span>
      </p>

      {data.caveats.length > 0 && (
        <section className={serious ? "caveats serious" : "caveats"} aria-label="Read this first">
          {serious && <p className="lead">Read this first</p>}
          {data.caveats.map((caveat) => (
            <p key={caveat.text} className={caveat.severity}>
              {caveat.text}
            </p>
          ))}
        </section>
      )}

      <header>
        <h1>{data.headline.text}</h1>
        {data.headline.detail && <p className="detail">{data.headline.detail}</p>}
      </header>

      <Figures data={data} meta={meta} />
      <Segments data={data} meta={meta} />

      <section>
        <h2>Recommended actions</h2>
        {first.length ? <Actions actions={first} {...actionsProps} /> : <p>Nothing calls for action this week.</p>}
        {onList && data.recommendations.some((action) => action.list) && (
          <label className="small layout">
            Lists for{" "}
            <select value={layout} onChange={(event) => setLayout(event.target.value as Layout)}>
              {Object.entries(LAYOUTS).map(([value, text]) => (
                <option key={value} value={value}>
                  {text}
                </option>
              ))}
            </select>
          </label>
        )}
      </section>

      <Backtested report={report} />

      <section className="summary">
        <h2>Executive summary</h2>
        {data.executiveSummary.split(/\n+/).map((paragraph) => (
          <p key={paragraph}>{paragraph}</p>
        ))}
        <p className="small">
          {meta.summary_source === "gemini"
            ? "Written by Gemini; every number in it was checked against this report."
            : "Written from a template with this report’s numbers."}
        </p>
      </section>

      {insights.length > 0 && (
        <section>
          <h2>Key insights</h2>
          <ul className="insights">
            {insights.map((insight) => (
              <li key={insight}>{insight}</li>
            ))}
          </ul>
        </section>
      )}

      {more.length > 0 && (
        <section>
          <h2>More you can do</h2>
          <Actions actions={more} {...actionsProps} />
        </section>
      )}

      <Factors data={data} />
      <Metrics data={data} meta={meta} compared={data.lastWeek.complete && !meta.partial && !serious} />
      <MissingRegulars data={data} meta={meta} />
      <AtRiskCustomers data={data} meta={meta} />
      <Notes meta={meta} />
    </article>
  );
}

// The four figures

interface Measure {
  label: string;
  now: number;
  before: number;
  said: (value: number) => string;
  ofWeek: (week: HistoryWeek) => number;
  change: Change | undefined;
}

function Figures({ data, meta }: { data: Data; meta: Meta }) {
  const { outlook, lastWeek, summary } = data;
  const asMoney = (amount: number) => moneyWhole(amount, meta.currency);
  const change = (what: Change["what"]) => data.changes.find((each) => each.what === what);
  const lastWeekInWords = meta.partial ? "in all of last week" : lastWeek.complete ? "last week" : "last week, with days missing";
  const measures: Measure[] = [
    { label: "Sales", now: outlook.spent, before: outlook.spentBefore, said: asMoney, ofWeek: (week) => week.spent, change: change("spent") },
    { label: "Customers", now: summary.totalCustomers, before: lastWeek.totalCustomers, said: whole, ofWeek: (week) => week.customers, change: change("customers") },
    { label: "Expected to leave", now: outlook.expectedToLeave, before: outlook.expectedToLeaveBefore, said: whole, ofWeek: (week) => week.expectedToLeave, change: change("expectedToLeave") },
    { label: "Sales at stake", now: outlook.spendAtStake, before: lastWeek.spendAtStake, said: asMoney, ofWeek: (week) => week.spendAtStake, change: undefined },
  ];
  return (
    <section aria-label="The week in four figures">
      <ul className="figures">
        {measures.map((measure) => (
          <li key={measure.label}>
            <span className="label">{measure.label}</span>
            <span className="value">{measure.said(measure.now)}</span>
            <span className={`before ${measure.change?.verdict ?? "unknown"}`}>
              {lastWeek.totalCustomers ? `${measure.said(measure.before)} ${lastWeekInWords}` : "no customers last week"}
              {measure.change && <span className="verdict">{againstUsual(measure.change)}</span>}
            </span>
            <Line measure={measure} history={data.history ?? []} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function againstUsual(change: Change): string {
  if (change.verdict === "usual") return "as usual";
  const more = (change.verdict === "better") !== (change.what === "expectedToLeave");
  const [less, greater] = change.what === "spent" ? ["lower", "higher"] : ["fewer", "more"];
  return `${more ? greater : less} than usual`;
}

/** The last weeks of a figure from zero, with gaps for weeks without customers. */
function Line({ measure, history }: { measure: Measure; history: HistoryWeek[] }) {
  const values = history.map((week) => (week.customers ? Math.max(measure.ofWeek(week), 0) : null));
  const known = values.filter((value) => value !== null);
  const top = Math.max(0, ...known, measure.change?.usualHigh ?? 0);
  if (top <= 0 || known.length < 2) return null;
  const x = (index: number) => 4 + (191 * index) / (values.length - 1);
  const y = (value: number) => 44 - (38 * value) / top;
  const path = values.map((value, index) => {
    if (value === null) return "";
    const begins = index === 0 || values[index - 1] === null;
    return `${begins ? "M" : "L"}${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
  });
  const last = values.at(-1) ?? null;
  const told = history.map((week, index) => {
    const value = values[index] ?? null;
    return `${asShortDay(week.week_ending)} ${value === null ? NOTHING : measure.said(value)}`;
  });
  return (
    <svg className="line" viewBox="0 0 200 46" role="img" aria-label={`${measure.label}, ${told.join(", ")}.`}>
      {measure.change && (
        <rect
          className="usual"
          width="200"
          y={y(measure.change.usualHigh)}
          height={y(Math.max(measure.change.usualLow, 0)) - y(measure.change.usualHigh)}
        />
      )}
      <line className="ground" x2="200" y1="44.5" y2="44.5" />
      <path className="stroke" d={path.join("")} />
      {last !== null && (
        <circle className={`now ${measure.change?.verdict ?? "unknown"}`} cx={x(values.length - 1)} cy={y(last)} r="3.5" />
      )}
    </svg>
  );
}

// Segments

function Segments({ data, meta }: { data: Data; meta: Meta }) {
  const most = Math.max(0, ...data.segmentBreakdown.map((row) => row.spendAtStake));
  return (
    <section>
      <h2>Customer segments</h2>
      <table className="segments" role="table">
        <thead role="rowgroup">
          <tr role="row">
            {["Segment", "Customers", "Last week", "Spent", "Risk: high, medium, low", "Expected to leave", "Sales at stake"].map((head, column) => (
              <th key={head} scope="col" role="columnheader" className={[1, 2, 3, 5].includes(column) ? "number" : ""}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {data.segmentBreakdown.map((row) => {
            const change = data.changes.find((each) => each.what === row.segment);
            const stake = moneyWhole(row.spendAtStake, meta.currency);
            const width = most > 0 ? (95 * Math.max(row.spendAtStake, 0)) / most : 0;
            return (
              <tr key={row.segment} role="row">
                <th scope="row" role="rowheader">
                  {row.segment} <span className="small">{segmentRule(meta, row.segment)}</span>
                </th>
                <td role="cell" className="number" data-label="Customers">
                  {whole(row.count)}
                  {change && change.verdict !== "usual" && <span className={`verdict ${change.verdict}`}> {againstUsual(change)}</span>}
                </td>
                <td role="cell" className="number was" data-label="Last week">{whole(row.countBefore)}</td>
                <td role="cell" className="number" data-label="Spent">{moneyWhole(row.spent, meta.currency)}</td>
                <td role="cell" className="strip-cell" data-label="Risk: high, medium, low">
                  {row.count > 0 && <Strip counts={[row.highRiskCount, row.mediumRiskCount, row.lowRiskCount]} />}
                </td>
                <td role="cell" className="number" data-label="Expected to leave">{whole(row.expectedToLeave)}</td>
                <td role="cell" className="stake-cell" data-label="Sales at stake">
                  {width > 0 ? (
                    <svg className="stake" viewBox="0 0 170 20" role="img" aria-label={stake}>
                      <rect className="loss" y="5" width={width} height="10" />
                      <text x={width + 6} y="15">{stake}</text>
                    </svg>
                  ) : (
                    stake
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}

function segmentRule(meta: Meta, segment: string): string {
  const rule = meta.segment_rules.find((each) => each.segment === segment);
  if (!rule || rule.spent_usd === null || rule.sessions === null) return "everybody else";
  return `${moneyWhole(rule.spent_usd, "USD")}+ or ${rule.sessions}+ visits`;
}

/** The customers at high, medium and low risk as one bar. */
function Strip({ counts }: { counts: [number, number, number] }) {
  const levels = (["High", "Medium", "Low"] as const).map((level, index) => ({ level, count: counts[index] ?? 0 }));
  const all = levels.reduce((sum, { count }) => sum + count, 0);
  let before = 0;
  return (
    <svg className="strip" viewBox="0 0 210 20" role="img" aria-label={`${levels.map(({ level, count }) => `${level} ${whole(count)}`).join(", ")}.`}>
      {levels.map(({ level, count }) => {
        const [x, width] = [before, (count / all) * 210];
        before += width;
        if (!count) return null;
        return (
          <g key={level}>
            <rect className={level} x={x} width={width} height="20" />
            {width > 7 * whole(count).length + 5 && (
              <text className={`on-${level}`} x={x + width / 2} y="14.5" textAnchor="middle">
                {whole(count)}
              </text>
            )}
          </g>
        );
      })}
    </svg>
  );
}

// Actions

function Actions({ actions, currency, onList }: { actions: Action[]; currency: string; onList?: (list: ListName) => void }) {
  return (
    <ol className="actions">
      {actions.map((action) => {
        const { list } = action;
        return (
          <li key={action.action}>
            <div>
              <h3>{action.action}</h3>
              <p>{action.expectedImpact}</p>
            </div>
            <p className="whom">{action.customers !== null && action.customers !== undefined && counted(action.customers, "customer")}</p>
            <p className="money">
              {action.spendAtStake !== null && action.spendAtStake !== undefined && (
                <>
                  <strong>{moneyWhole(action.spendAtStake, currency)}</strong> <span className="small">at stake a week</span>
                </>
              )}
            </p>
            <p className="get" {...(list ? { "data-list": list } : {})}>
              {list && onList && (
                <button type="button" aria-label={`Get the list (CSV): ${LIST_NAMES[list]}`} onClick={() => onList(list)}>
                  Get the list
                </button>
              )}
            </p>
          </li>
        );
      })}
    </ol>
  );
}

// What was said before

function Backtested({ report: { week_ending, meta } }: { report: Report }) {
  const { backtest } = meta;
  if (!backtest || backtest.customers < MIN_WORTH_TELLING) return null;
  const fourWeeks = at(week_ending).getTime() - at(backtest.week_ending).getTime() === 28 * 86_400_000;
  const when = fourWeeks ? "Four weeks ago" : `In the week that ended ${asDay(backtest.week_ending)}`;
  const expected = `${whole(backtest.expected_churn_rate * backtest.customers)} of ${counted(backtest.customers, "customer")}`;
  return (
    <section className="backtest" aria-label="How right the last report was">
      <p>
        {backtest.as_issued
          ? `${when} we said that ${expected} would stay away for four weeks.`
          : `${when} this report, with what was known then, would have expected ${expected} to stay away for four weeks.`}{" "}
        <strong>{whole(backtest.churned)} did.</strong>
      </p>
      <p className="small">
        {backtest.riskiest_tenth >= MIN_WORTH_TELLING &&
          `Of the riskiest ${whole(backtest.riskiest_tenth)} then, ${whole(backtest.riskiest_tenth_lost)} did not come back. `}
        {backtest.flagged_high >= MIN_WORTH_TELLING &&
          `Of ${counted(backtest.flagged_high, "customer")} at high risk then, ${whole(backtest.flagged_high_lost)} did not come back. `}
        {!backtest.corrected && "There was no earlier week to learn from then."}
      </p>
    </section>
  );
}

// Factors and counts

function Factors({ data }: { data: Data }) {
  const of = data.topRiskFactors.find((factor) => factor.of)?.of ?? 0;
  const whom = data.summary.highRiskCount ? `${counted(of, "customer")} at high risk` : `riskiest ${counted(of, "customer")}`;
  return (
    <section>
      <h2>Top risk factors</h2>
      {of > 0 && <p className="small">What drives the risk of the {whom}, and for how many of them.</p>}
      {data.topRiskFactors.length ? (
        <ul className="factors">
          {data.topRiskFactors.map((factor) => (
            <li key={factor.id}>
              <span>{factor.factor}</span> <span className="small">{factor.of > 0 && `${whole(factor.customers)} of ${whole(factor.of)}`}</span>{" "}
              <span className="impact">{factor.impact} impact</span>
            </li>
          ))}
        </ul>
      ) : (
        <p>Nothing that the model knows of drives the risk of these customers.</p>
      )}
    </section>
  );
}

function Metrics({ data, meta, compared }: { data: Data; meta: Meta; compared: boolean }) {
  const { summary, lastWeek } = data;
  const [high, churned] = [percent(meta.thresholds.high * 100, 0), percent(meta.thresholds.churned * 100, 0)];
  const before = (text: string) => compared && lastWeek.totalCustomers > 0 && <span className="small"> {text} last week</span>;
  const levels = data.riskBreakdown.map((level) => `${whole(level.count)} ${level.riskLevel.toLowerCase()}`).join(", ");
  return (
    <section>
      <h2>Key metrics</h2>
      <dl className="metrics">
        <Metric label="Customers">{whole(summary.totalCustomers)}{before(whole(lastWeek.totalCustomers))}</Metric>
        <Metric label={`High risk: ${high} or more`}>{whole(summary.highRiskCount)}{before(whole(lastWeek.highRiskCount))}</Metric>
        <Metric label={`Churned: ${churned} risk or more`}>{whole(summary.churnedThisWeek)}{before(whole(lastWeek.churned))}</Metric>
        <Metric label={`Retention: below ${churned} risk`}>{percent(summary.retentionRate)}{before(percent(lastWeek.retentionRate))}</Metric>
      </dl>
      <p className="small">
        Risk levels: {levels}. Average risk:{" "}
        {summary.avgChurnProbability === null ? NOTHING : percent(summary.avgChurnProbability * 100)}.
      </p>
      {data.history && (
        <details>
          <summary>The last eight weeks</summary>
          <Table
            label="The last eight weeks"
            heads={["Week ending", "Sales", "Customers", "Expected to leave", "Sales at stake", "High risk", "Churned", "Retention"]}
            words={[0]}
            rows={[...data.history].reverse().map((week) => [
              asDay(week.week_ending),
              moneyWhole(week.spent, meta.currency),
              whole(week.customers),
              whole(week.expectedToLeave),
              moneyWhole(week.spendAtStake, meta.currency),
              restated(week),
              whole(week.churned),
              percent(week.retentionRate),
            ])}
          />
        </details>
      )}
    </section>
  );
}

function Metric({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** A count of a past week, and what was reported then where that differs. */
function restated({ highRiskCount, reportedHighRiskCount }: HistoryWeek): string {
  const differs = reportedHighRiskCount !== null && reportedHighRiskCount !== highRiskCount;
  return differs ? `${whole(highRiskCount)} (reported: ${whole(reportedHighRiskCount)})` : whole(highRiskCount);
}

// Customers

function MissingRegulars({ data: { missingRegulars, outlook }, meta }: { data: Data; meta: Meta }) {
  if (!missingRegulars) return null;
  return (
    <section id="missing">
      <h2>Regulars who did not come</h2>
      {missingRegulars.length ? (
        <Table
          label="Regulars who did not come"
          className="people missing"
          heads={["Customer", "Last visit", "Weeks active before", "Spent in nine weeks"]}
          words={[0]}
          rows={missingRegulars.map((row) => [
            <Person key="who" {...row} />,
            `${counted(row.weeksSinceLastVisit, "week")} ago`,
            `${row.activeWeeksBefore} of 8`,
            money(row.spent_9_weeks, meta.currency),
          ])}
          values={missingRegulars.map((row) => [calledBy(row), row.weeksSinceLastVisit, row.activeWeeksBefore, row.spent_9_weeks])}
        />
      ) : (
        <p>
          {outlook.missingRegulars === null
            ? "Not known: the week is not over, or days are missing in it or in the one before."
            : "Nobody who used to come regularly has stayed away for two weeks."}
        </p>
      )}
    </section>
  );
}

function AtRiskCustomers({ data: { atRiskCustomers }, meta }: { data: Data; meta: Meta }) {
  if (!atRiskCustomers) return null;
  return (
    <section id="customers-at-risk">
      <h2>Customers most at risk</h2>
      {atRiskCustomers.length ? (
        <Table
          label="Customers most at risk"
          className="people customers"
          heads={["Customer", "Expected loss", "Risk", "Weeks active before", "Spent", "Segment", "Leading reasons"]}
          words={[0, 5, 6]}
          rows={atRiskCustomers.map((row) => [
            <Person key="who" {...row} />,
            money(row.expectedLoss, meta.currency),
            `${percent(row.churnProbability * 100)} ${row.riskLevel}`,
            `${row.activeWeeksBefore} of ${meta.memory_weeks}`,
            money(row.spent, meta.currency),
            row.segment,
            row.topRiskFactors.join(", "),
          ])}
          values={atRiskCustomers.map((row) => [
            calledBy(row),
            row.expectedLoss,
            row.churnProbability,
            row.activeWeeksBefore,
            row.spent,
            row.segment,
            row.topRiskFactors.join(", "),
          ])}
        />
      ) : (
        <p>No customers were active this week.</p>
      )}
    </section>
  );
}

interface Named {
  name: string | null;
  email: string | null;
  user_id: string;
}

const calledBy = ({ name, email, user_id }: Named) => name || email || user_id;

function Person({ name, email, user_id }: Named) {
  return (
    <>
      {name ? <bdi>{name}</bdi> : <span className="small">no name known</span>}{" "}
      <span className="small">
        {email && (
          <>
            <bdi>{email}</bdi>
            {" · "}
          </>
        )}
        <bdi>{user_id}</bdi>
      </span>
    </>
  );
}

type Value = string | number;

interface TableProps {
  label: string;
  className?: string;
  heads: string[];
  /** The columns that are text; the others are numbers. */
  words: number[];
  rows: ReactNode[][];
  /** What the rows are sorted by, for each row and column; left out, the reader cannot sort. */
  values?: Value[][];
}

function Table({ label, className = "", heads, words, rows, values }: TableProps) {
  const [sorted, setSorted] = useState<{ column: number; descending: boolean } | null>(null);
  const numbers = (column: number) => (words.includes(column) ? "" : "number");
  // The first click shows the largest numbers, or the first names.
  const sortBy = (column: number) =>
    setSorted({ column, descending: sorted?.column === column ? !sorted.descending : !words.includes(column) });
  const order = [...rows.keys()];
  if (sorted && values) {
    const sign = sorted.descending ? -1 : 1; // not a reversal: equals stay as they are
    order.sort((one, other) => sign * compared(values[one]?.[sorted.column] ?? "", values[other]?.[sorted.column] ?? ""));
  }
  const ordered = (column: number) => (sorted?.column === column ? (sorted.descending ? "descending" : "ascending") : undefined);
  return (
    <div className="scroll" role="region" aria-label={label} tabIndex={0}>
      <table className={className}>
        <thead>
          <tr>
            {heads.map((head, column) => (
              <th key={head} scope="col" className={numbers(column)} aria-sort={ordered(column)}>
                {values ? (
                  <button type="button" onClick={() => sortBy(column)}>
                    {head}
                  </button>
                ) : (
                  head
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {order.map((row) => (
            <tr key={row}>
              {(rows[row] ?? []).map((cell, column) =>
                column === 0 ? (
                  <th key={column} scope="row">
                    {cell}
                  </th>
                ) : (
                  <td key={column} className={numbers(column)}>
                    {cell}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const compared = (one: Value, other: Value) =>
  typeof one === "number" && typeof other === "number" ? one - other : String(one).localeCompare(String(other));

// What the words mean

function Notes({ meta }: { meta: Meta }) {
  const { high, medium, churned, days_to_come_back: days } = meta.thresholds;
  const limit = (share: number) => percent(share * 100, 0);
  const learned = meta.calibration.weeks
    ? ` It is corrected for this shop by what became of the customers of ${counted(meta.calibration.weeks, "past week")}.`
    : "";
  const before = meta.memory_weeks ? ` and in the ${counted(meta.memory_weeks, "week")} before` : "";
  const segments = meta.segment_rules.map(({ segment }) => `${segment}: ${segmentRule(meta, segment)}`).join("; ");
  const notes: [string, string][] = [
    ["Customer", "somebody with a user id and at least one event in the week. Guests without an id are not counted."],
    ["Sales", `what these known customers spent in the week, in ${meta.currency}; recorded refunds are taken off.`],
    ["Risk", `how likely a customer is to stay away for the ${days} days after the week: no event of any kind. A statistical model estimates it from what the customer did in the week${before}.${learned}`],
    ["High, medium, low", `a risk of ${limit(high)} or more; of ${limit(medium)} or more; below that.`],
    ["Expected to leave", "how many of the week’s customers will probably stay away for the next four weeks: the sum of their risks, whatever their level."],
    ["Sales at stake", "each customer’s risk times what the customer spent, added up: the part of a week’s sales that may not come again."],
    ["Expected loss", "a customer’s risk times what the customer spent in this week and the eight before."],
    ["Segments", `by what customers spent or how often they came in the week. ${segments}.`],
    ["Churned", `a risk of ${limit(churned)} or more: an estimate, not yet a fact. Retention is the share of all other customers.`],
    ["Usual", "within the limits that the eight weeks before set. Only what lies outside them is called better or worse."],
    ["Regulars who did not come", "customers who came in at least three of the four weeks before last week, and neither last week nor this week."],
    ["Impact of a risk factor", "High where it leads for half of these customers or more, Medium from a quarter."],
  ];
  return (
    <footer>
      <details className="notes">
        <summary>What the words mean</summary>
        <dl>
          {notes.map(([word, meaning]) => (
            <div key={word}>
              <dt>{word}:</dt> <dd>{meaning}</dd>
            </div>
          ))}
        </dl>
      </details>
      <p>
        Made {new Date(meta.generated_at).toLocaleString("en-US", { dateStyle: "long", timeStyle: "short", timeZone: meta.time_zone })} · week
        in time zone {meta.time_zone} · model {meta.model_version}
      </p>
    </footer>
  );
}
