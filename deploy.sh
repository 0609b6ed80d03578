#!/usr/bin/env bash
# Deploy everything to Google Cloud: the function, its secrets, its permissions and its weekly call. See `./deploy.sh --help`.
# A second run changes only what differs. After a failure, a new run continues from there.
set -euo pipefail
shopt -s inherit_errexit 2>/dev/null || true # bash on macOS does not know it; what matters there says `|| return` itself
cd "$(dirname "$0")"

# The default of every setting, by the name of its flag. A setting that is deployed stays as it is unless its flag says
# otherwise. Concurrency, CPU and memory follow from tests/benchmarks/RESULTS.md.
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
events_source=tables
events_table=events
users_table=
max_bytes_billed=100000000000
api_keys_file=
clients_file=
gemini_key_file=
smtp_url_file=
link_secret_file=
mail_from=
page_url=
allowed_origins=
ingress=all
schedule='0 6 * * 1'
time_zone=UTC
wait_for_data=0
alert_email=
check_client=
create_tables=no
alerts=no
new_check_key=no
force=no
dry_run=no
delete=no

given=' ' # the variables of the flags that were given
unset=' ' # those of the settings that go back to their default
# The settings that stay as they are deployed.
KEPT=' dataset location events_source events_table users_table max_bytes_billed gemini_key_file smtp_url_file link_secret_file mail_from '
KEPT+='page_url allowed_origins schedule time_zone wait_for_data timeout concurrency cpu memory min_instances max_instances ingress '
readonly KEPT

readonly APIS=(
  artifactregistry.googleapis.com bigquery.googleapis.com cloudbuild.googleapis.com cloudfunctions.googleapis.com
  cloudscheduler.googleapis.com iam.googleapis.com logging.googleapis.com monitoring.googleapis.com run.googleapis.com
  secretmanager.googleapis.com
)

usage() {
  cat <<EOF
Usage: ./deploy.sh --project PROJECT [FLAG VALUE]...

The first run uses the defaults in brackets. In a later run a setting without its flag stays as it is deployed.

  --project ID               the Google Cloud project (the one in gcloud's configuration)
  --region REGION            of the function and its weekly call (where the function is; else $region)
  --name NAME                of the function and its service account; all other names begin with it ($name)

The data
  --dataset, --location      the BigQuery dataset and its location ($dataset, $location)
  --events-table, --users-table  its two tables ($events_table, users)
  --events-source tables|ga4|segment  what events are read from: the table, or each client's own dataset ($events_source);
                             then there is a users table only with --users-table. docs/sources.md says what CLIENTS needs
  --max-bytes-billed BYTES   refuse a query that would read more ($max_bytes_billed)
  --create-tables            create the dataset and the tables where they are missing

Secrets, each read from a file
  --api-keys-file FILE       API_KEYS; the key of this script's own checks is added (only that key)
  --clients-file FILE        CLIENTS ({})
  --gemini-key-file FILE     the Gemini key (none: summaries come from the template)
  --smtp-url-file FILE       SMTP_URL, for reports by e-mail; needs --mail-from (none)
  --link-secret-file FILE    LINK_SECRET, for links that open a report without a key (none)
  --new-check-key            replace the key of this script's own checks

Settings
  --mail-from ADDRESS        the sender of the reports (none)
  --page-url URL             the report's page that messages link to (the function's own)
  --allowed-origins ORIGINS  of the frontend, separated by commas (none)
  --schedule, --time-zone    of the weekly call ($schedule, $time_zone); choose a time when it is Monday for every client
  --wait-for-data HOURS      until so long after the end of the week, at most 24, the weekly call waits for the events of its
                             last day ($wait_for_data); it waits for nothing if --schedule is not before that
  --timeout SECONDS          the longest time for one request, 120 to 1790; every other deadline follows from it ($timeout)
  --concurrency, --cpu, --memory, --min-instances, --max-instances
                             ($concurrency, $cpu, $memory, $min_instances, $max_instances)
  --ingress all|internal-only|internal-and-gclb  where requests may come from ($ingress)
  --unset SETTING            set a setting back to its default, such as --unset page-url; may be repeated.
                             --unset gemini-key-file, smtp-url-file or link-secret-file takes the secret from the function

What to do
  --alerts                   create or update the log-based metrics and the alert policies in deploy/
  --alert-email ADDRESS      the recipient of the alerts
  --check-client ID          request this client's report at the end, in addition to the other checks
  --force                    deploy even if nothing has changed here, such as after a change by hand
  --dry-run                  print every command of a first run, and run none
  --delete                   delete what this script made, after asking; never the data
EOF
}

main() {
  read_flags "$@"
  exec 3>&1 1>&2 # standard output carries only what is printed for use: the URL, or a dry run's commands
  trap at_exit EXIT
  step "Checking the settings"
  check_programs
  check_settings
  name_accounts
  if [[ $delete == yes ]]; then
    delete_all
    return
  fi
  enable_apis
  read_deployed
  check_settings
  if [[ $events_source == tables && -z $users_table ]]; then users_table=users; fi
  if [[ -n $deadline_note ]]; then say "  $deadline_note"; fi
  check_wait
  make_service_accounts
  if [[ $create_tables == yes ]]; then make_tables; fi
  store_secrets
  grant_bigquery
  deploy_function
  schedule_weekly_call
  retire_scheduler_key
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
      --create-tables | --alerts | --new-check-key | --force | --dry-run | --delete)
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
      --unset)
        (($#)) || stop "$flag takes a value; see ./deploy.sh --help."
        variable=${1#--}
        variable=${variable//-/_}
        [[ -n $1 && $KEPT == *" $variable "* ]] || stop "--unset is '$1'; it takes the name of a setting, such as page-url."
        unset+="$variable "
        shift
        ;;
      --project | --region | --name | --dataset | --location | --events-source | --events-table | --users-table | --max-bytes-billed | \
        --api-keys-file | --clients-file | --gemini-key-file | --smtp-url-file | --link-secret-file | --mail-from | \
        --page-url | --allowed-origins | --schedule | --time-zone | --wait-for-data | --concurrency | --cpu | --memory | --timeout | --min-instances | \
        --max-instances | --ingress | --alert-email | --check-client)
        (($#)) || stop "$flag takes a value; see ./deploy.sh --help."
        variable=${flag#--}
        variable=${variable//-/_}
        [[ -n $1 || $KEPT != *" $variable "* ]] || stop "$flag takes a value; --unset ${flag#--} takes the setting away."
        printf -v "$variable" %s "$1"
        given+="$variable "
        shift
        ;;
      *) stop "There is no flag $flag; see ./deploy.sh --help." ;;
    esac
  done
  for variable in $unset; do
    [[ $given != *" $variable "* ]] || stop "--${variable//_/-} and --unset ${variable//_/-} exclude each other."
  done
}

check_programs() {
  local program
  for program in gcloud bq curl python3; do
    command -v "$program" >/dev/null || stop "$program is needed. gcloud and bq come with the Google Cloud CLI: https://cloud.google.com/sdk"
  done
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || stop "python3 must be Python 3.11 or newer."
  if [[ -z $project ]]; then project=$(gcloud config get-value project 2>/dev/null) || true; fi
  [[ -n $project && $project != "(unset)" ]] || stop "Which project? Name it: ./deploy.sh --project PROJECT"
}

check_settings() { # first those that were given, later again with those that are deployed
  local file
  takes project "a project id such as my-project" '^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$'
  takes region "a region such as europe-west1" '^[a-z]+-[a-z]+[0-9]+$'
  takes name "6 to 23 lower-case letters, digits and hyphens" '^[a-z][a-z0-9-]{4,21}[a-z0-9]$'
  takes dataset "a dataset's name" '^[A-Za-z0-9_]+$'
  takes location "a BigQuery location such as EU" '^[A-Za-z0-9-]+$'
  takes events_source "tables, ga4 or segment" '^(tables|ga4|segment)$'
  takes events_table "a table's name" '^[A-Za-z0-9_-]+$'
  takes users_table "a table's name" '^[A-Za-z0-9_-]*$'
  takes max_bytes_billed "a number of bytes" '^[1-9][0-9]*$'
  takes concurrency "a whole number" '^[1-9][0-9]*$'
  takes timeout "a whole number of seconds" '^[1-9][0-9]{0,5}$'
  takes ingress "all, internal-only or internal-and-gclb" '^(all|internal-only|internal-and-gclb)$'
  takes time_zone "a time zone such as Europe/Berlin" '^[A-Za-z0-9_+/-]+$'
  takes wait_for_data "a whole number of hours, at most 24" '^([0-9]|1[0-9]|2[0-4])$'
  takes check_client "a client's id" '^([1-9][0-9]*)?$'
  set_deadlines
  for file in "$api_keys_file" "$clients_file" "$gemini_key_file" "$smtp_url_file" "$link_secret_file"; do
    [[ -z $file || -s $file ]] || stop "The file $file is missing or empty."
  done
  check_as_the_function_does
}

takes() { # VARIABLE WHAT PATTERN
  [[ ${!1} =~ $3 ]] || stop "--${1//_/-} is '${!1}'; it takes $2."
}

check_as_the_function_does() {
  local smtp=$smtp_url_file
  if [[ -z $mail_from ]]; then smtp=; fi # --mail-from may be deployed already: store_secrets checks that it is there
  local source=$events_source
  if [[ -z ${deployed+known} && $given$unset != *" events_source "* ]]; then source=; fi # another may be deployed
  EVENTS_SOURCE=$source python3 - "$api_keys_file" "$clients_file" "$smtp" "$link_secret_file" "$mail_from" "$page_url" "$allowed_origins" <<'EOF' || stop "Correct that first."
import os
import sys
from pathlib import Path
from report.settings import SettingsError, read_settings

names = ("API_KEYS", "CLIENTS", "SMTP_URL", "LINK_SECRET", "MAIL_FROM", "PAGE_URL", "ALLOWED_ORIGINS")
given = {name: value for name, value in zip(names, sys.argv[1:]) if value}
source = os.environ["EVENTS_SOURCE"]
try:
    read = {name: Path(value).read_text("utf-8") if name in names[:4] else value for name, value in given.items()}
    settings = read_settings({**read, "EVENTS_SOURCE": source})
except (SettingsError, UnicodeDecodeError) as error:
    sys.exit(f"deploy.sh: {error}")
for problem in settings.problems():
    if ("API_KEYS" in given or problem != settings.api_keys_problem) and (source or "EVENTS_SOURCE" not in problem):
        sys.exit(f"deploy.sh: {problem}")
EOF
}

name_accounts() {
  local domain=
  if [[ $project == *:* ]]; then domain=.${project%%:*}; fi
  readonly account=$name@${project##*:}$domain.iam.gserviceaccount.com
  readonly weekly_account=$name-weekly@${project##*:}$domain.iam.gserviceaccount.com
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

find_region() { # the function's own, unless --region says otherwise
  local found place places=()
  if [[ $given == *" region "* ]]; then return; fi
  found=$(ask gcloud functions list --v2 --project="$project" --format='value(name)')
  while IFS= read -r place; do
    if [[ $place =~ ^projects/[^/]+/locations/([^/]+)/functions/$name$ ]]; then places+=("${BASH_REMATCH[1]}"); fi
  done <<<"$found"
  if ((${#places[@]} > 1)); then stop "There is a function $name in ${places[*]}. Name one with --region."; fi
  if ((${#places[@]})); then region=${places[0]}; fi
}

read_deployed() {
  step "Reading what is deployed"
  local found
  deployed='' deployed_environment='' deployed_secrets='' deployed_job='' deployed_retries='' url=''
  find_region
  found=$(ask gcloud functions list --v2 --regions="$region" --project="$project" --format='value(name.basename())')
  if there "$found" "$name"; then
    found=$(ask gcloud functions describe "$name" --gen2 --region="$region" --project="$project" --format=json)
    keep function "$found"
  fi
  found=$(ask gcloud scheduler jobs list --location="$region" --project="$project" --format='value(name.basename())')
  if there "$found" "$name-weekly"; then
    found=$(ask gcloud scheduler jobs describe "$name-weekly" --location="$region" --project="$project" --format=json)
    keep job "$found"
  fi
}

keep() { # WHAT JSON: take over each setting that is deployed, unless a flag says otherwise
  local setting settings variable
  settings=$(python3 -m deploy.deployed "$1" <<<"$2")
  while IFS= read -r setting; do
    variable=${setting%%=*}
    if [[ -n $variable && "$given$unset" != *" $variable "* ]]; then printf -v "$variable" %s "${setting#*=}"; fi
  done <<<"$settings"
}

set_deadlines() { # every one of them from --timeout
  local deadline deadlines
  deadlines=$(python3 -m deploy.deadlines "$timeout")
  while IFS= read -r deadline; do
    printf -v "${deadline%%=*}" %s "${deadline#*=}"
  done <<<"$deadlines"
}

check_wait() { # the hours begin with the end of the week, not with the weekly call
  if ((wait_for_data == 0)) || ! [[ $schedule =~ ^([0-5]?[0-9])\ ([01]?[0-9]|2[0-3])\ \*\ \*\ ([0-7])$ ]]; then return; fi
  local minutes=$((((BASH_REMATCH[3] + 6) % 7 * 24 + 10#${BASH_REMATCH[2]}) * 60 + 10#${BASH_REMATCH[1]})) after
  if ((minutes < wait_for_data * 60)); then return; fi
  printf -v after '%d:%02d' $((minutes / 60)) $((minutes % 60))
  say "  Warning: --wait-for-data $wait_for_data waits for nothing. The hours count from the end of the week, and the weekly call"
  say "  (--schedule '$schedule') comes $after hours after it for a client in $time_zone. Give more hours, at most 24, or call earlier."
}

make_service_accounts() {
  step "Making the service accounts: one for the function, with the right to run queries, and one for the weekly call"
  local found
  found=$(ask gcloud iam service-accounts list --project="$project" --format='value(email)')
  contains "$found" "$account" ||
    run gcloud iam service-accounts create "$name" --project="$project" --display-name="The function $name"
  contains "$found" "$weekly_account" ||
    run gcloud iam service-accounts create "$name-weekly" --project="$project" --display-name="The weekly call of $name"
  found=$(ask gcloud projects get-iam-policy "$project" --flatten='bindings[].members' \
    --filter=bindings.role=roles/bigquery.jobUser --format='value(bindings.members)')
  contains "$found" "serviceAccount:$account" ||
    run_with_account gcloud projects add-iam-policy-binding "$project" --member="serviceAccount:$account" \
      --role=roles/bigquery.jobUser --condition=None --format=none
}

make_tables() {
  step "Creating the dataset and its tables where they are missing"
  local found
  found=$(ask bq --headless --project_id="$project" --format=json ls --datasets --max_results=100000)
  [[ $found =~ \"datasetId\":\ *\"$dataset\" ]] ||
    run bq --headless --project_id="$project" --location="$location" mk --dataset "$project:$dataset"
  sed -e "s/{{ events_table }}/\`$project.$dataset.$events_table\`/" -e "s/{{ users_table }}/\`$project.$dataset.$users_table\`/" \
    report/sql/tables.sql |
    run_on_input bq --headless --project_id="$project" --location="$location" query --nouse_legacy_sql
}

grant_bigquery() {
  step "Letting the service account read the data, and nothing else"
  local wanted before readable
  wanted=$(python3 -m deploy.sources "$events_source" "$project" <<<"$clients")
  before=$(python3 -m deploy.sources any "$project" <<<"$clients_before")
  before+=$'\n'$project.$dataset
  if [[ -n $users_table ]]; then wanted+=$'\n'$project.$dataset; fi
  for readable in $wanted; do may_read "$readable"; done
  for readable in $before; do contains "$wanted" "$readable" || may_read_no_longer "$readable"; done
}

may_read() { # DATASET, as project.dataset
  local found
  found=$(ask bq --headless --project_id="$project" --format=json show --dataset "${1%.*}:${1##*.}") ||
    stop "There is no dataset ${1##*.} in ${1%.*}. Name another with --dataset or in CLIENTS, or create it with --create-tables."
  [[ $found == *"\"$account\""* ]] ||
    run_with_account bq --headless --project_id="$project" --location="$location" query --nouse_legacy_sql \
      "GRANT \`roles/bigquery.dataViewer\` ON SCHEMA \`$1\` TO \"serviceAccount:$account\""
}

may_read_no_longer() { # DATASET: where it could
  local found
  found=$(ask bq --headless --project_id="$project" --format=json show --dataset "${1%.*}:${1##*.}") || return 0
  [[ $found == *"\"$account\""* || $dry_run$delete == yesyes ]] || return 0
  run bq --headless --project_id="$project" --location="$location" query --nouse_legacy_sql \
    "REVOKE \`roles/bigquery.dataViewer\` ON SCHEMA \`$1\` FROM \"serviceAccount:$account\""
}

store_secrets() {
  step "Storing the secrets"
  local api_keys retired
  secret_names=$(ask gcloud secrets list --project="$project" --format='value(name.basename())')
  secrets=()
  read_secret check-key
  read_secret scheduler-key
  read_secret api-keys
  read_secret clients
  check_key=${value_of[check-key]}
  retired=${value_of[scheduler-key]}
  if [[ -z $check_key || $new_check_key == yes ]]; then
    if [[ -n $check_key ]]; then retired=$check_key; fi
    check_key=$(python3 -c 'import secrets; print(secrets.token_urlsafe(32))')
  fi
  store check-key "$check_key"
  api_keys=${value_of[api-keys]}
  if [[ -n $api_keys_file ]]; then api_keys=$(cat "$api_keys_file"); fi
  api_keys=$(printf '%s\n%s\n%s' "$check_key" "$retired" "$api_keys" | python3 -m deploy.api_keys)
  store api-keys "$api_keys" API_KEYS
  clients_before=${value_of[clients]}
  clients=$clients_before
  if [[ -n $clients_file ]]; then clients=$(cat "$clients_file"); fi
  [[ -n $clients ]] || clients='{}'
  store clients "$clients" CLIENTS
  store_optional gemini-key "$gemini_key_file" GEMINI_API_KEY
  store_optional smtp-url "$smtp_url_file" SMTP_URL
  store_optional link-secret "$link_secret_file" LINK_SECRET
}

store_optional() { # SECRET FILE VARIABLE: nothing where it is unset, or where the deployed function does without it
  local file_flag=${1//-/_}_file value
  if [[ $unset == *" $file_flag "* ]]; then return; fi
  if [[ -z $2 && -n $deployed && " $deployed_secrets " != *" $3 "* ]]; then return; fi
  read_secret "$1"
  value=${value_of[$1]}
  if [[ -n $2 ]]; then value=$(cat "$2"); fi
  if [[ -z $value ]]; then return; fi
  if [[ $1 == smtp-url && -z $mail_from ]]; then
    stop "Reports by e-mail need --mail-from in addition to SMTP_URL: the sender's address."
  fi
  store "$1" "$value" "$3"
}

declare -A version_of value_of # the newest version and value of each secret that has been read; empty for none

read_secret() { # SECRET
  version_of[$1]='' value_of[$1]=''
  contains "$secret_names" "$name-$1" || return 0
  version_of[$1]=$(ask gcloud secrets versions list "$name-$1" --project="$project" --filter=state=enabled \
    --sort-by=~createTime --limit=1 --format='value(name.basename())')
  if [[ -z ${version_of[$1]} ]]; then return; fi
  value_of[$1]=$(ask gcloud secrets versions access "${version_of[$1]}" --secret="$name-$1" --project="$project")
}

store() { # SECRET VALUE [VARIABLE]: store what has been read before, and let the function read it as that variable
  local version=${version_of[$1]} readers
  contains "$secret_names" "$name-$1" ||
    run gcloud secrets create "$name-$1" --replication-policy=automatic --project="$project"
  if [[ -z $version || ${value_of[$1]} != "$2" ]]; then
    version=$(printf %s "$2" | run_on_input gcloud secrets versions add "$name-$1" --data-file=- --project="$project" \
      --format='value(name.basename())')
    if [[ $dry_run == no ]]; then say "  $name-$1 has a new version"; fi
  fi
  if [[ -z ${3:-} ]]; then return; fi
  readers=$(ask gcloud secrets get-iam-policy "$name-$1" --project="$project" --flatten='bindings[].members' \
    --filter=bindings.role=roles/secretmanager.secretAccessor --format='value(bindings.members)')
  contains "$readers" "serviceAccount:$account" ||
    run_with_account gcloud secrets add-iam-policy-binding "$name-$1" --project="$project" --member="serviceAccount:$account" \
      --role=roles/secretmanager.secretAccessor --format=none
  # A fixed version, so that each revision of the function keeps the secrets of its deployment.
  if [[ $dry_run == yes ]]; then version=1; fi
  secrets+=("$3=$name-$1:$version")
}

deploy_function() {
  step "Deploying the function (some minutes, if anything has changed)"
  # The audience of the weekly call's tokens. Unlike the URL, it is known before the first deployment.
  audience=https://$region-${project##*:}.cloudfunctions.net/$name
  # MALLOC_ARENA_MAX: each of glibc's arenas keeps what its threads have freed, so with two the memory stays smaller.
  # shellcheck disable=SC2154 # set_deadlines sets the seconds
  local environment=(
    "BIGQUERY_PROJECT=$project" "BIGQUERY_DATASET=$dataset" "BIGQUERY_LOCATION=$location"
    "EVENTS_SOURCE=$events_source" "EVENTS_TABLE=$events_table" "BIGQUERY_MAX_BYTES_BILLED=$max_bytes_billed" "REQUEST_DEADLINE_SECONDS=$request_seconds"
    "WEEKLY_DEADLINE_SECONDS=$weekly_seconds" "WAIT_FOR_DATA_HOURS=$wait_for_data" "THREADS=$concurrency" "SCHEDULER_EMAIL=$weekly_account"
    "SCHEDULER_AUDIENCE=$audience" "MALLOC_ARENA_MAX=2"
  )
  if [[ -n $users_table ]]; then environment+=("USERS_TABLE=$users_table"); fi
  if [[ -n $allowed_origins ]]; then environment+=("ALLOWED_ORIGINS=$allowed_origins"); fi
  if [[ -n $page_url ]]; then environment+=("PAGE_URL=$page_url"); fi
  if [[ -n $mail_from ]]; then environment+=("MAIL_FROM=$mail_from"); fi
  # Anyone may call the function, because browsers do. The function itself checks an API key.
  # Settings made by hand, such as GEMINI_MODEL, stay: variables and secrets are updated, not replaced.
  # shellcheck disable=SC2154
  local arguments=(
    --gen2 --runtime=python313 --region="$region" --project="$project" --source=. --entry-point=reports --trigger-http
    --allow-unauthenticated --ingress-settings="$ingress" --service-account="$account" --concurrency="$concurrency"
    --cpu="$cpu" --memory="$memory" --timeout="${function_seconds}s" --min-instances="$min_instances"
    --max-instances="$max_instances" --update-env-vars="^;;^$(joined ';;' "${environment[@]}")"
    --update-secrets="$(joined , "${secrets[@]}")"
  )
  local configuration variable removed_variables='' removed_secrets=''
  configuration=$(ask gcloud meta list-files-for-upload . | python3 -m deploy.fingerprint "${arguments[@]}")
  for variable in USERS_TABLE ALLOWED_ORIGINS PAGE_URL MAIL_FROM; do
    if begins "$(printf '%s\n' "${environment[@]}")" "$variable="; then continue; fi
    if [[ " $deployed_environment " == *" $variable "* ]]; then removed_variables+=,$variable; fi
  done
  for variable in GEMINI_API_KEY SMTP_URL LINK_SECRET; do
    if begins "$(printf '%s\n' "${secrets[@]}")" "$variable="; then continue; fi
    if [[ " $deployed_secrets " == *" $variable "* ]]; then removed_secrets+=,$variable; fi
  done
  if [[ $force == no && $deployed == "ACTIVE $configuration" && -z $removed_variables$removed_secrets ]]; then return; fi
  run_with_account gcloud functions deploy "$name" "${arguments[@]}" ${removed_variables:+"--remove-env-vars=${removed_variables#,}"} \
    ${removed_secrets:+"--remove-secrets=${removed_secrets#,}"} --update-labels="configuration=$configuration" --quiet
  url=$(ask gcloud functions describe "$name" --gen2 --region="$region" --project="$project" --format='value(serviceConfig.uri)')
  if [[ $dry_run == yes ]]; then url=https://the-functions-own.address; fi
}

schedule_weekly_call() {
  step "Scheduling the weekly call"
  local job=$name-weekly verb=create new_retries=no attempts shortest longest
  # shellcheck disable=SC2154
  local deadline=${attempt_seconds}s
  local arguments=(
    --location="$region" --project="$project" --schedule="$schedule" --time-zone="$time_zone" --uri="$url/reports/weekly"
    --http-method=post --attempt-deadline="$deadline" --oidc-service-account-email="$weekly_account"
    --oidc-token-audience="$audience"
  )
  local retries='3 60s 600s' # attempts, and the shortest and the longest pause
  if ((wait_for_data)); then retries="5 $((wait_for_data * 720))s $((wait_for_data * 720))s"; fi # all of the hours
  local wanted="$schedule|$time_zone|$url/reports/weekly|$deadline|$weekly_account|$audience"
  # Retries that were set by hand stay, except those of a run that waits.
  if [[ $deployed_retries != "$retries" && ($wait_for_data != 0 || $deployed_retries =~ ^5\ [0-9]+s\ [0-9]+s$ && ${deployed_retries#* } == "${deployed_retries##* } ${deployed_retries##* }") ]]; then
    new_retries=yes
  fi
  if [[ $force == no && $deployed_job == "$wanted" && $new_retries == no ]]; then return; fi
  case $deployed_job in
    '') ;;
    *'|X-API-Key' | *'|x-api-key') # gcloud cannot take a header out of a job
      say "  the job of an earlier version carries an API key: it is replaced by one without"
      run gcloud scheduler jobs delete "$job" --location="$region" --project="$project" --quiet
      ;;
    *) verb=update ;;
  esac
  if [[ $verb == create ]]; then arguments+=(--description="The weekly reports of $name"); fi
  if [[ $verb == create || $new_retries == yes ]]; then
    read -r attempts shortest longest <<<"$retries"
    arguments+=(--max-retry-attempts="$attempts" --min-backoff="$shortest" --max-backoff="$longest")
  fi
  run_with_account gcloud scheduler jobs "$verb" http "$job" "${arguments[@]}" --format=none
}

retire_scheduler_key() { # an earlier version kept the weekly call's API key; store_secrets has taken it out of API_KEYS
  if contains "$secret_names" "$name-scheduler-key"; then
    run gcloud secrets delete "$name-scheduler-key" --project="$project" --quiet
  fi
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
  expect 422 "$url/reports/generate" with-key # the key is known, but no client is named
  if [[ -n $check_client ]]; then expect 200 "$url/reports/generate?client_id=$check_client" with-key; fi
}

expect() { # STATUS URL [with-key]; a new function and its rights take a moment to be everywhere
  local header='' status='' pause
  if [[ -n ${3:-} ]]; then header="X-API-Key: $check_key"; fi
  for pause in 2 5 10 20 0; do
    status=$(printf %s "$header" | run_on_input curl --silent --max-time 90 --output /dev/null --write-out '%{http_code}' --header @- "$2") || true
    if [[ $status == "$1" || $dry_run == yes ]]; then return; fi
    sleep "${DEPLOY_PAUSE:-$pause}"
  done
  stop "$2 answered ${status:-nothing} instead of $1. Its log: gcloud functions logs read $name --gen2 --region=$region --project=$project"
}

delete_all() {
  local answer secret policy channel metric found clients readable
  read_deployed
  if [[ $dry_run == no ]]; then
    say "This deletes from $project: the function $name, its weekly call, its secrets, its alerts and its service accounts."
    say "The dataset $dataset with all of its tables stays, and so do the enabled APIs. Type the name of the function to continue:"
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
  secret_names=$found
  read_secret clients
  clients=${value_of[clients]}
  for secret in check-key scheduler-key api-keys clients gemini-key smtp-url link-secret; do
    if there "$found" "$name-$secret"; then run gcloud secrets delete "$name-$secret" --project="$project" --quiet; fi
  done
  step "Deleting the service accounts and their rights"
  found=$(ask gcloud iam service-accounts list --project="$project" --format='value(email)')
  if there "$found" "$account"; then
    for readable in "$project.$dataset" $(python3 -m deploy.sources any "$project" <<<"$clients"); do
      may_read_no_longer "$readable"
    done
    run gcloud projects remove-iam-policy-binding "$project" --member="serviceAccount:$account" \
      --role=roles/bigquery.jobUser --condition=None --format=none
    run gcloud iam service-accounts delete "$account" --project="$project" --quiet
  fi
  if there "$found" "$weekly_account"; then
    run gcloud iam service-accounts delete "$weekly_account" --project="$project" --quiet
  fi
  step "Done"
}

# Every command that changes something goes through `run`; every command that only reads goes through `ask`.

run() {
  if [[ $dry_run == no ]]; then "$@"; else print_command "$@"; fi
}

run_with_account() { # the same for what names a service account: a new one takes up to a minute to be known everywhere
  local output try
  if [[ $dry_run == yes ]]; then
    print_command "$@"
    return
  fi
  output=$(mktemp)
  for ((try = 1; ; try++)); do
    if "$@" 2>&1 | tee "$output"; then
      rm -f "$output"
      return
    fi
    if ((try > 12)) || ! grep -Eiq '(service ?account|gserviceaccount\.com).*(does not exist|not found)' "$output"; then
      rm -f "$output"
      return 1
    fi
    say "  Google does not know the new service account everywhere yet; trying again in 5 seconds"
    sleep "${DEPLOY_PAUSE:-5}"
  done
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

begins() { # LINES TEXT: whether a line begins with that text
  [[ $'\n'$1 == *$'\n'"$2"* ]]
}

there() { # LINES LINE; a dry run takes everything for being there
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
  if ((status)); then say "It stopped at: $current_step. Correct that and run the same command again: it continues from there."; fi
}

main "$@"
