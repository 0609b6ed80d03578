#!/usr/bin/env bash
# One command to Google Cloud: the function, its secrets, its rights and its weekly call. `./deploy.sh --help` says more.
# Running it again changes only what differs; after a failure it goes on from there.
set -euo pipefail
shopt -s inherit_errexit 2>/dev/null || true # unknown to the bash of macOS; what matters there says `|| return` itself
cd "$(dirname "$0")"

# Every setting, by the name of its flag. Concurrency, CPU and memory are what tests/benchmarks/RESULTS.md asks for.
concurrency=8
cpu=1
memory=512Mi
timeout=540
min_instances=0
max_instances=10
project=
region=us-central1
name=churn-report
dataset=analytics
location=US
events_table=events
users_table=users
max_bytes_billed=100000000000
api_keys_file=
clients_file=
gemini_key_file=
smtp_url_file=
mail_from=
page_url=
allowed_origins=
ingress=all
schedule='0 6 * * 1'
time_zone=UTC
alert_email=
check_client=
create_tables=no
alerts=no
new_scheduler_key=no
force=no
dry_run=no
delete=no

readonly APIS=(
  artifactregistry.googleapis.com bigquery.googleapis.com cloudbuild.googleapis.com cloudfunctions.googleapis.com
  cloudscheduler.googleapis.com iam.googleapis.com logging.googleapis.com monitoring.googleapis.com run.googleapis.com
  secretmanager.googleapis.com
)

usage() {
  cat <<EOF
Usage: ./deploy.sh --project PROJECT [FLAG VALUE]...

  --project ID               the Google Cloud project (default: that of gcloud's configuration)
  --region REGION            of the function, its weekly call and its secrets' readers ($region)
  --name NAME                of the function, its service account, and the beginning of all other names ($name)

The data
  --dataset, --location      the BigQuery dataset and where it is ($dataset, $location)
  --events-table, --users-table  its two tables ($events_table, $users_table)
  --max-bytes-billed BYTES   refuses a query that would read more ($max_bytes_billed)
  --create-tables            create the dataset and the tables where they are missing

Secrets, each read from a file; without the flag, what Secret Manager has stays, where any other setting has its default again
  --api-keys-file FILE       API_KEYS; the first time without it, the key of the weekly call is the only one
  --clients-file FILE        CLIENTS; the first time without it, {}
  --gemini-key-file FILE     the Gemini key; without one the template writes the summaries
  --smtp-url-file FILE       SMTP_URL, for reports by e-mail; needs --mail-from
  --new-scheduler-key        give the weekly call a new key; the old one works until you take its entry out of API_KEYS

Settings
  --mail-from ADDRESS        from which the reports come
  --page-url URL             the report's page that messages link to (the function's own)
  --allowed-origins ORIGINS  of the frontend, with commas between them (none)
  --schedule, --time-zone    of the weekly call ($schedule, $time_zone); let it be Monday for every client by then
  --concurrency, --cpu, --memory, --timeout SECONDS, --min-instances, --max-instances
                             ($concurrency, $cpu, $memory, $timeout, $min_instances, $max_instances)
  --ingress all|internal-only|internal-and-gclb  where requests may come from ($ingress)

What to do
  --alerts                   create or update the log-based metrics and the alert policies in deploy/
  --alert-email ADDRESS      whom they write to
  --check-client ID          ask for this client's report at the end, beside the other checks
  --force                    deploy even where nothing has changed here, such as after a change by hand
  --dry-run                  print every command of a first run, and run none
  --delete                   take away what this script made, after asking; never the data
EOF
}

main() {
  read_flags "$@"
  exec 3>&1 1>&2 # standard output carries only what is printed for use: the URL, or a dry run's commands
  trap at_exit EXIT
  check_settings
  if [[ $delete == yes ]]; then
    delete_all
    return
  fi
  enable_apis
  make_service_account
  if [[ $create_tables == yes ]]; then make_tables; fi
  grant_bigquery
  store_secrets
  deploy_function
  schedule_weekly_call
  if [[ $alerts == yes ]]; then make_alerts; fi
  check_live
  step "Done"
  printf '%s\n' "$url" >&3
}

read_flags() {
  local flag variable
  while (($#)); do
    flag=$1
    shift
    case $flag in
      --help | -h) usage && exit 0 ;;
      --create-tables | --alerts | --new-scheduler-key | --force | --dry-run | --delete)
        variable=${flag#--}
        printf -v "${variable//-/_}" yes
        continue
        ;;
      --*=*)
        set -- "${flag#*=}" "$@"
        flag=${flag%%=*}
        ;;
    esac
    case $flag in
      --project | --region | --name | --dataset | --location | --events-table | --users-table | --max-bytes-billed | \
        --api-keys-file | --clients-file | --gemini-key-file | --smtp-url-file | --mail-from | --page-url | \
        --allowed-origins | --schedule | --time-zone | --concurrency | --cpu | --memory | --timeout | --min-instances | \
        --max-instances | --ingress | --alert-email | --check-client)
        (($#)) || stop "$flag takes a value; ./deploy.sh --help says which."
        variable=${flag#--}
        printf -v "${variable//-/_}" %s "$1"
        shift
        ;;
      *) stop "There is no flag $flag; ./deploy.sh --help lists what there is." ;;
    esac
  done
}

check_settings() {
  step "Checking the settings"
  local program file
  for program in gcloud bq curl python3; do
    command -v "$program" >/dev/null || stop "$program is needed. gcloud and bq come with the Google Cloud CLI: https://cloud.google.com/sdk"
  done
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || stop "python3 must be Python 3.11 or newer."
  if [[ -z $project ]]; then project=$(gcloud config get-value project 2>/dev/null) || true; fi
  [[ -n $project && $project != "(unset)" ]] || stop "Which project? Name it: ./deploy.sh --project PROJECT"
  takes project "a project id such as my-project" '^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$'
  takes region "a region such as europe-west1" '^[a-z]+-[a-z]+[0-9]+$'
  takes name "6 to 30 lower-case letters, digits and hyphens" '^[a-z][a-z0-9-]{4,28}[a-z0-9]$'
  takes dataset "a dataset's name" '^[A-Za-z0-9_]+$'
  takes location "a BigQuery location such as EU" '^[A-Za-z0-9-]+$'
  takes events_table "a table's name" '^[A-Za-z0-9_-]+$'
  takes users_table "a table's name" '^[A-Za-z0-9_-]+$'
  takes max_bytes_billed "a number of bytes" '^[1-9][0-9]*$'
  takes concurrency "a whole number" '^[1-9][0-9]*$'
  takes timeout "120 to 3600 seconds" '^(1[2-9][0-9]|[2-9][0-9][0-9]|[12][0-9]{3}|3[0-5][0-9]{2}|3600)$'
  takes time_zone "a time zone such as Europe/Berlin" '^[A-Za-z0-9_+/-]+$'
  takes check_client "a client's id" '^([1-9][0-9]*)?$'
  for file in "$api_keys_file" "$clients_file" "$gemini_key_file" "$smtp_url_file"; do
    [[ -z $file || -s $file ]] || stop "The file $file is missing or empty."
  done
  check_with_the_functions_own_eyes
  local domain=
  if [[ $project == *:* ]]; then domain=.${project%%:*}; fi
  readonly account=$name@${project##*:}$domain.iam.gserviceaccount.com
}

takes() { # VARIABLE WHAT PATTERN
  [[ ${!1} =~ $3 ]] || stop "--${1//_/-} is '${!1}'; it takes $2."
}

check_with_the_functions_own_eyes() {
  python3 - "$api_keys_file" "$clients_file" "$smtp_url_file" "$mail_from" "$page_url" <<'EOF' || stop "That is what to put right first."
import sys
from pathlib import Path
from report.settings import SettingsError, read_settings

names = ("API_KEYS", "CLIENTS", "SMTP_URL", "MAIL_FROM", "PAGE_URL")
given = {name: value for name, value in zip(names, sys.argv[1:]) if value}
try:
    settings = read_settings({name: Path(value).read_text("utf-8") if name in names[:3] else value for name, value in given.items()})
except (SettingsError, UnicodeDecodeError) as error:
    sys.exit(f"deploy.sh: {error}")
if "API_KEYS" in given and settings.api_keys_problem:
    sys.exit(f"deploy.sh: {settings.api_keys_problem}")
EOF
}

enable_apis() {
  step "Enabling the APIs"
  local api enabled missing=()
  enabled=$(ask gcloud services list --enabled --project="$project" --format='value(config.name)')
  for api in "${APIS[@]}"; do
    contains "$enabled" "$api" || missing+=("$api")
  done
  if ((${#missing[@]})); then run gcloud services enable "${missing[@]}" --project="$project"; fi
}

make_service_account() {
  step "Making the service account, with the right to run queries"
  local found
  found=$(ask gcloud iam service-accounts list --project="$project" --format='value(email)')
  contains "$found" "$account" ||
    run gcloud iam service-accounts create "$name" --project="$project" --display-name="The function $name"
  found=$(ask gcloud projects get-iam-policy "$project" --flatten='bindings[].members' \
    --filter=bindings.role=roles/bigquery.jobUser --format='value(bindings.members)')
  contains "$found" "serviceAccount:$account" ||
    run gcloud projects add-iam-policy-binding "$project" --member="serviceAccount:$account" \
      --role=roles/bigquery.jobUser --condition=None --format=none
}

make_tables() {
  step "Creating the dataset and its tables where they are missing"
  local found
  found=$(ask bq --headless --project_id="$project" --format=json ls --datasets --max_results=100000)
  [[ $found =~ \"datasetId\":\ *\"$dataset\" ]] ||
    run bq --headless --project_id="$project" --location="$location" mk --dataset "$project:$dataset"
  sed -e "s/{{ events }}/\`$project.$dataset.$events_table\`/" -e "s/{{ users }}/\`$project.$dataset.$users_table\`/" \
    report/sql/tables.sql |
    run_on_input bq --headless --project_id="$project" --location="$location" query --nouse_legacy_sql
}

grant_bigquery() {
  step "Letting the service account read the dataset $dataset, and nothing else"
  local found
  found=$(ask bq --headless --project_id="$project" --format=json show --dataset "$project:$dataset") ||
    stop "There is no dataset $dataset in $project. Name another with --dataset, or create it with --create-tables."
  [[ $found == *"\"$account\""* ]] ||
    run bq --headless --project_id="$project" --location="$location" query --nouse_legacy_sql \
      "GRANT \`roles/bigquery.dataViewer\` ON SCHEMA \`$project.$dataset\` TO \"serviceAccount:$account\""
}

store_secrets() {
  step "Storing the secrets"
  local api_keys clients gemini smtp
  secret_names=$(ask gcloud secrets list --project="$project" --format='value(name.basename())')
  secrets=()
  scheduler_key=$(secret_value scheduler-key)
  if [[ -z $scheduler_key || $new_scheduler_key == yes ]]; then
    scheduler_key=$(python3 -c 'import secrets; print(secrets.token_urlsafe(32))')
  fi
  store scheduler-key "$scheduler_key"
  api_keys=$(secret_or_file api-keys "$api_keys_file")
  api_keys=$(printf '%s\n%s' "$scheduler_key" "$api_keys" | python3 -m deploy.api_keys)
  store api-keys "$api_keys" API_KEYS
  clients=$(secret_or_file clients "$clients_file")
  [[ -n $clients ]] || clients='{}'
  store clients "$clients" CLIENTS
  gemini=$(secret_or_file gemini-key "$gemini_key_file")
  if [[ -n $gemini ]]; then store gemini-key "$gemini" GEMINI_API_KEY; fi
  smtp=$(secret_or_file smtp-url "$smtp_url_file")
  if [[ -n $smtp ]]; then
    [[ -n $mail_from ]] || stop "Reports by e-mail need --mail-from beside SMTP_URL: the address from which they come."
    store smtp-url "$smtp" SMTP_URL
  fi
}

secret_or_file() { # SECRET FILE
  if [[ -n $2 ]]; then cat "$2"; else secret_value "$1"; fi
}

secret_value() { # SECRET: its newest value, or nothing
  local version
  version=$(secret_version "$1") || return
  if [[ -n $version ]]; then ask gcloud secrets versions access "$version" --secret="$name-$1" --project="$project"; fi
}

secret_version() { # SECRET: its newest version, or nothing
  contains "$secret_names" "$name-$1" || return 0
  ask gcloud secrets versions list "$name-$1" --project="$project" --filter=state=enabled --sort-by=~createTime --limit=1 \
    --format='value(name.basename())'
}

store() { # SECRET VALUE [VARIABLE]: keep it, and let the function read it as that variable
  local version current readers
  contains "$secret_names" "$name-$1" ||
    run gcloud secrets create "$name-$1" --replication-policy=automatic --project="$project"
  version=$(secret_version "$1")
  current=$(secret_value "$1")
  if [[ -z $version || $current != "$2" ]]; then
    version=$(printf %s "$2" | run_on_input gcloud secrets versions add "$name-$1" --data-file=- --project="$project" \
      --format='value(name.basename())')
    if [[ $dry_run == no ]]; then say "  $name-$1 has a new version"; fi
  fi
  if [[ -z ${3:-} ]]; then return; fi
  readers=$(ask gcloud secrets get-iam-policy "$name-$1" --project="$project" --flatten='bindings[].members' \
    --filter=bindings.role=roles/secretmanager.secretAccessor --format='value(bindings.members)')
  contains "$readers" "serviceAccount:$account" ||
    run gcloud secrets add-iam-policy-binding "$name-$1" --project="$project" --member="serviceAccount:$account" \
      --role=roles/secretmanager.secretAccessor --format=none
  # A version of its own, so that each revision of the function keeps the secrets that it was deployed with.
  if [[ $dry_run == yes ]]; then version=1; fi
  secrets+=("$3=$name-$1:$version")
}

deploy_function() {
  step "Deploying the function (some minutes, if anything has changed)"
  local environment=(
    "BIGQUERY_PROJECT=$project" "BIGQUERY_DATASET=$dataset" "BIGQUERY_LOCATION=$location" "EVENTS_TABLE=$events_table"
    "USERS_TABLE=$users_table" "BIGQUERY_MAX_BYTES_BILLED=$max_bytes_billed" "REQUEST_DEADLINE_SECONDS=55"
    "WEEKLY_DEADLINE_SECONDS=$((timeout - 40))" "THREADS=$concurrency"
  )
  if [[ -n $allowed_origins ]]; then environment+=("ALLOWED_ORIGINS=$allowed_origins"); fi
  if [[ -n $page_url ]]; then environment+=("PAGE_URL=$page_url"); fi
  if [[ -n $mail_from ]]; then environment+=("MAIL_FROM=$mail_from"); fi
  # Anyone may call it, since browsers and webhooks' readers do: the function itself asks for an API key.
  local arguments=(
    --gen2 --runtime=python313 --region="$region" --project="$project" --source=. --entry-point=reports --trigger-http
    --allow-unauthenticated --ingress-settings="$ingress" --service-account="$account" --concurrency="$concurrency"
    --cpu="$cpu" --memory="$memory" --timeout="${timeout}s" --min-instances="$min_instances"
    --max-instances="$max_instances" --set-env-vars="^;;^$(joined ';;' "${environment[@]}")"
    --set-secrets="$(joined , "${secrets[@]}")"
  )
  local configuration deployed
  configuration=$(ask gcloud meta list-files-for-upload . | python3 -m deploy.fingerprint "${arguments[@]}")
  deployed=$(ask gcloud functions list --v2 --regions="$region" --project="$project" \
    --format='value[separator=" "](name.basename(),state,labels.configuration)')
  if [[ $force == yes ]] || ! contains "$deployed" "$name ACTIVE $configuration"; then
    run gcloud functions deploy "$name" "${arguments[@]}" --update-labels="configuration=$configuration" --quiet
  fi
  url=$(ask gcloud functions describe "$name" --gen2 --region="$region" --project="$project" --format='value(serviceConfig.uri)')
  if [[ $dry_run == yes ]]; then url=https://the-functions-own.address; fi
}

schedule_weekly_call() {
  step "Scheduling the weekly call"
  local job=$name-weekly found configuration verb=create header='--headers'
  local deadline=$((timeout + 10 < 1800 ? timeout + 10 : 1800))
  local arguments=(
    --location="$region" --project="$project" --schedule="$schedule" --time-zone="$time_zone" --uri="$url/reports/weekly"
    --http-method=POST --attempt-deadline="${deadline}s" --max-retry-attempts=3 --min-backoff=60s --max-backoff=600s
  )
  configuration=$(printf %s "$scheduler_key" | python3 -m deploy.fingerprint --secret "${arguments[@]}")
  found=$(ask gcloud scheduler jobs list --location="$region" --project="$project" \
    --format='value[separator=" "](name.basename(),description)')
  if [[ $force == no ]] && begins "$found" "$job $configuration:"; then return; fi
  if begins "$found" "$job "; then verb=update header='--update-headers'; fi
  # The key goes in through a file of flags on standard input: command lines can be seen by others on the same machine.
  printf '%s:\n  X-API-Key: "%s"\n' "$header" "$scheduler_key" |  # pragma: allowlist secret
    run_on_input gcloud scheduler jobs "$verb" http "$job" "${arguments[@]}" --description="$configuration: the weekly reports" --flags-file=/dev/stdin \
      --format=none
}

make_alerts() {
  step "Creating or updating the log-based metrics and the alert policies"
  local file metric channel='' found configuration policy title
  found=$(ask gcloud logging metrics list --project="$project" --format='value[separator=" "](name,description)')
  for file in deploy/metrics/*.json; do
    metric=$name-$(basename "$file" .json)
    configuration=$(rendered "$file" - | python3 -m deploy.fingerprint --secret)
    if begins "$found" "$metric $configuration:"; then continue; fi
    if begins "$found" "$metric "; then
      rendered "$file" "$configuration" | run_on_input gcloud logging metrics update "$metric" --config-from-file=- --project="$project"
    else
      rendered "$file" "$configuration" | run_on_input gcloud logging metrics create "$metric" --config-from-file=- --project="$project"
    fi
  done
  found=$(ask gcloud beta monitoring channels list --project="$project" --format='value[separator=" "](name,displayName)')
  channel=$(awk -v title="$name: $alert_email" 'index(substr($0, index($0, " ") + 1), title) == 1 { print $1; exit }' <<<"$found")
  if [[ -z $channel && -n $alert_email ]]; then
    channel=$(run gcloud beta monitoring channels create --project="$project" --display-name="$name: $alert_email" \
      --type=email --channel-labels="email_address=$alert_email" --format='value(name)')
    if [[ $dry_run == yes ]]; then channel=the-channel; fi
  fi
  found=$(ask gcloud alpha monitoring policies list --project="$project" --filter="userLabels.function=$name" \
    --format='value[separator=" "](name,userLabels.policy,userLabels.configuration)')
  for file in deploy/alerts/*.json; do
    title=$(basename "$file" .json)
    configuration=$(rendered "$file" - | python3 -m deploy.fingerprint --secret "$channel")
    policy=$(awk -v title="$title" '$2 == title { print $1; exit }' <<<"$found")
    if [[ -z $policy ]]; then
      rendered "$file" "$configuration" | run_on_input gcloud alpha monitoring policies create --project="$project" \
        --policy-from-file=- --format=none ${channel:+"--notification-channels=$channel"}
    elif ! contains "$found" "$policy $title $configuration"; then
      rendered "$file" "$configuration" | run_on_input gcloud alpha monitoring policies update "$policy" --project="$project" \
        --policy-from-file=- --format=none ${channel:+"--set-notification-channels=$channel"}
    fi
  done
}

rendered() { # FILE CONFIGURATION: with the names of this function
  sed -e "s/@NAME@/$name/g" -e "s/@METRIC@/${name//-/_}/g" -e "s/@CONFIGURATION@/$2/g" "$1"
}

check_live() {
  step "Checking the live function"
  if [[ $ingress != all ]]; then
    say "  it cannot be reached from here with --ingress $ingress, so it has not been checked"
    return
  fi
  expect 200 "$url/health"
  expect 401 "$url/reports/generate"
  expect 422 "$url/reports/generate" with-key # the key is known, and the client is missing
  if [[ -n $check_client ]]; then expect 200 "$url/reports/generate?client_id=$check_client" with-key; fi
}

expect() { # STATUS URL [with-key]; a new function and its rights take a moment to be everywhere
  local header='' status='' pause
  if [[ -n ${3:-} ]]; then header="X-API-Key: $scheduler_key"; fi
  for pause in 2 5 10 20 0; do
    status=$(printf %s "$header" | run_on_input curl --silent --max-time 90 --output /dev/null --write-out '%{http_code}' --header @- "$2") || true
    if [[ $status == "$1" || $dry_run == yes ]]; then return; fi
    sleep "${DEPLOY_PAUSE:-$pause}"
  done
  stop "$2 answered ${status:-nothing} instead of $1. Its log: gcloud functions logs read $name --gen2 --region=$region --project=$project"
}

delete_all() {
  local answer secret policy channel metric found
  if [[ $dry_run == no ]]; then
    say "This deletes from $project: the function $name, its weekly call, its secrets, its alerts and its service account."
    say "The dataset $dataset with all of its tables stays, and so do the enabled APIs. Type the name of the function to go on:"
    read -r answer || true
    [[ $answer == "$name" ]] || stop "Nothing has been deleted."
  fi
  step "Deleting the weekly call"
  found=$(ask gcloud scheduler jobs list --location="$region" --project="$project" --format='value(name.basename())')
  if there "$found" "$name-weekly"; then
    run gcloud scheduler jobs delete "$name-weekly" --location="$region" --project="$project" --quiet
  fi
  step "Deleting the function"
  found=$(ask gcloud functions list --v2 --regions="$region" --project="$project" --format='value(name.basename())')
  if there "$found" "$name"; then
    run gcloud functions delete "$name" --gen2 --region="$region" --project="$project" --quiet
  fi
  step "Deleting the alerts"
  found=$(ask gcloud alpha monitoring policies list --project="$project" --filter="userLabels.function=$name" --format='value(name)')
  if [[ $dry_run == yes ]]; then found=the-policies; fi
  for policy in $found; do run gcloud alpha monitoring policies delete "$policy" --project="$project" --quiet; done
  found=$(ask gcloud beta monitoring channels list --project="$project" --format='value[separator=" "](name,displayName)')
  found=$(awk -v title="$name: " 'index(substr($0, index($0, " ") + 1), title) == 1 { print $1 }' <<<"$found")
  if [[ $dry_run == yes ]]; then found=the-channel; fi
  for channel in $found; do run gcloud beta monitoring channels delete "$channel" --project="$project" --quiet; done
  found=$(ask gcloud logging metrics list --project="$project" --format='value(name)')
  for metric in deploy/metrics/*.json; do
    metric=$name-$(basename "$metric" .json)
    if there "$found" "$metric"; then run gcloud logging metrics delete "$metric" --project="$project" --quiet; fi
  done
  step "Deleting the secrets"
  found=$(ask gcloud secrets list --project="$project" --format='value(name.basename())')
  for secret in scheduler-key api-keys clients gemini-key smtp-url; do
    if there "$found" "$name-$secret"; then run gcloud secrets delete "$name-$secret" --project="$project" --quiet; fi
  done
  step "Deleting the service account and its rights"
  found=$(ask gcloud iam service-accounts list --project="$project" --format='value(email)')
  if there "$found" "$account"; then
    run bq --headless --project_id="$project" --location="$location" query --nouse_legacy_sql \
      "REVOKE \`roles/bigquery.dataViewer\` ON SCHEMA \`$project.$dataset\` FROM \"serviceAccount:$account\""
    run gcloud projects remove-iam-policy-binding "$project" --member="serviceAccount:$account" \
      --role=roles/bigquery.jobUser --condition=None --format=none
    run gcloud iam service-accounts delete "$account" --project="$project" --quiet
  fi
  step "Done"
}

# The doors: everything that changes something goes through `run`, everything that only looks through `ask`.

run() {
  if [[ $dry_run == no ]]; then "$@"; else print_command "$@"; fi
}

run_on_input() { # the same for what reads standard input, which a dry run drains
  if [[ $dry_run == yes ]]; then cat >/dev/null; fi
  run "$@"
}

ask() { # in a dry run nothing is there yet
  if [[ $dry_run == no ]]; then "$@"; else print_command "$@"; fi
}

print_command() {
  printf '%q ' "$@" >&3
  printf '\n' >&3
}

contains() { # LINES LINE
  [[ $'\n'$1$'\n' == *$'\n'"$2"$'\n'* ]]
}

begins() { # LINES TEXT: whether a line begins so
  [[ $'\n'$1 == *$'\n'"$2"* ]]
}

there() { # LINES LINE; in a dry run all is there that could be deleted
  [[ $dry_run == yes ]] || contains "$1" "$2"
}

joined() { # SEPARATOR WORD...
  local separator=$1 text=$2
  shift 2
  if (($#)); then printf -v text '%s' "$text" "${@/#/$separator}"; fi
  printf %s "$text"
}

step() {
  current_step=$1
  say "==> $1"
}

say() {
  printf '%s\n' "$1" >&2
}

stop() {
  say "deploy.sh: $1"
  exit 1
}

at_exit() {
  local status=$?
  if ((status)); then say "It stopped at: $current_step. Run the same command again when that is put right: it goes on from there."; fi
}

main "$@"
