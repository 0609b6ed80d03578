"""Google's own SQL engine, asked in one batch: questions as JSON on standard input, answers as JSON on standard output.

It runs in an environment of its own (two_engines.py makes it), so nothing of this repository is imported here. The package's own
Python layer cannot pass parameters to a run, so this speaks to the engine below it, in protocol buffers.
"""

import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import wasmtime
from google.protobuf.timestamp_pb2 import Timestamp
from zetasql.core import wasm_client
from zetasql.core.exceptions import ServerError
from zetasql.wasi import get_wasm_path
from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service
from zetasql.wasi._pb2.zetasql.proto.options_pb2 import AnalyzerOptionsProto, LanguageOptionsProto
from zetasql.wasi._pb2.zetasql.proto.simple_catalog_pb2 import SimpleCatalogProto
from zetasql.wasi._pb2.zetasql.public.options_pb2 import PRODUCT_EXTERNAL
from zetasql.wasi._pb2.zetasql.public.type_pb2 import TypeKind
from zetasql.wasi._pb2.zetasql.public.value_pb2 import ValueProto


@dataclass(frozen=True)
class Form:
    """How values of one type stand in the engine's messages, and how they are read from a text and written to one."""

    kind: int
    field: str
    from_text: Callable[[str], Any]
    to_text: Callable[[Any], str]


def to_timestamp(text: str) -> Timestamp:
    instant = Timestamp()
    instant.FromDatetime(datetime.fromisoformat(text))
    return instant


def to_numeric(text: str) -> bytes:
    billionths = int(Decimal(text) * 10**9)
    return billionths.to_bytes(billionths.bit_length() // 8 + 1, "little", signed=True)


def from_numeric(billionths: bytes) -> str:
    return str(Decimal(int.from_bytes(billionths, "little", signed=True)) / 10**9)


EPOCH = date(1970, 1, 1)
FORMS = {
    "INT64": Form(TypeKind.TYPE_INT64, "int64_value", int, str),
    "FLOAT64": Form(TypeKind.TYPE_DOUBLE, "double_value", float, repr),
    "NUMERIC": Form(TypeKind.TYPE_NUMERIC, "numeric_value", to_numeric, from_numeric),
    "STRING": Form(TypeKind.TYPE_STRING, "string_value", str, str),
    "BOOL": Form(TypeKind.TYPE_BOOL, "bool_value", lambda text: text == "true", lambda value: str(value).lower()),
    "DATE": Form(
        TypeKind.TYPE_DATE,
        "date_value",
        lambda text: (date.fromisoformat(text) - EPOCH).days,
        lambda days: (EPOCH + timedelta(days)).isoformat(),
    ),
    "TIMESTAMP": Form(
        TypeKind.TYPE_TIMESTAMP, "timestamp_value", to_timestamp, lambda instant: instant.ToDatetime(UTC).isoformat()
    ),
}
TYPES = {form.kind: type_ for type_, form in FORMS.items()}


class Engine:
    """The loaded engine, set to the dialect that Google's products offer outside Google, and the tables it knows."""

    def __init__(self, cache: Path) -> None:
        # Compiling the engine takes a quarter of a minute, loading what was compiled before less than a second.
        with NamedTemporaryFile("w", suffix=".toml") as settings:
            settings.write(f"[cache]\ndirectory = {json.dumps(str(cache))}\n")
            settings.flush()

            class CachedConfig(wasmtime.Config):
                def __init__(self) -> None:
                    super().__init__()
                    self.cache = settings.name

            wasm_client.Config = CachedConfig
            self.service = wasm_client.WasmClient(get_wasm_path())
        language = self.call("GetLanguageOptions", service.LanguageOptionsRequest(maximum_features=True), LanguageOptionsProto)
        language.product_mode = PRODUCT_EXTERNAL
        language.ClearField("supported_statement_kinds")  # none named means all: CREATE TABLE too
        self.options = AnalyzerOptionsProto(language_options=language, default_timezone="UTC")
        self.catalog = SimpleCatalogProto(name="catalog")
        self.catalog.builtin_function_options.language_options.CopyFrom(language)

    def call(self, method: str, request: Any, response_type: type) -> Any:
        return self.service.call_grpc_func(f"ZetaSqlLocalService_{method}", request, response_type)

    def create_tables(self, script: str) -> None:
        """Put the tables of a script of CREATE TABLE statements into the catalog, as the engine itself understands them."""
        end = len(script.rstrip().encode())
        request = service.AnalyzeRequest(options=self.options, simple_catalog=self.catalog)
        request.parse_resume_location.input = script
        while request.parse_resume_location.byte_position < end:
            response = self.call("Analyze", request, service.AnalyzeResponse)
            request.parse_resume_location.byte_position = response.resume_byte_position
            statement = response.resolved_statement.resolved_create_statement_node.resolved_create_table_stmt_base_node
            definition = statement.resolved_create_table_stmt_node.parent
            table = self.catalog.table.add(name=".".join(definition.parent.name_path))
            for column in definition.column_definition_list:
                table.column.add(name=column.name, type=column.type)

    def run(self, question: dict[str, Any]) -> dict[str, Any]:
        """The rows that a query returns, as texts, and the types of their columns; or why the engine does not take it."""
        request = service.EvaluateQueryRequest(sql=question["sql"], options=self.options, simple_catalog=self.catalog)
        for name, (type_, given) in question["parameters"].items():
            declared = request.options.query_parameters.add(name=name).type
            value = request.params.add(name=name).value
            if isinstance(given, list):
                declared.type_kind = TypeKind.TYPE_ARRAY
                declared.array_type.element_type.type_kind = FORMS[type_].kind
                value.array_value.element.extend(to_value(text, type_) for text in given)
            else:
                declared.type_kind = FORMS[type_].kind
                value.CopyFrom(to_value(given, type_))
        for table in self.catalog.table:
            content = request.table_content[table.name].table_data
            content.SetInParent()  # an empty table has content too
            for row in question["tables"].get(table.name, []):
                content.row.add(cell=[to_nested(row.get(column.name), column.type) for column in table.column])
        try:
            response = self.call("EvaluateQuery", request, service.EvaluateQueryResponse)
        except ServerError as error:
            return {"error": str(error)}
        types = column_types(response.prepared.columns)
        rows = response.content.table_data.row
        return {"types": types, "rows": [list(map(from_value, row.cell, types.values())) for row in rows]}


def column_types(columns: Iterable[Any]) -> dict[str, str]:
    return {column.name: TYPES[column.type.type_kind] for column in columns}


def to_value(text: str | None, type_: str) -> ValueProto:
    """A value as the engine takes it; NULL is one without content."""
    form = FORMS[type_]
    return ValueProto() if text is None else ValueProto(**{form.field: form.from_text(text)})


def to_nested(given: Any, type_: Any) -> ValueProto:
    """A value of a table's column, which may be an array (a list) or a struct (an object by the names of its fields)."""
    value = ValueProto()
    if type_.type_kind == TypeKind.TYPE_ARRAY:
        value.array_value.SetInParent()  # BigQuery has no NULL there
        value.array_value.element.extend(to_nested(element, type_.array_type.element_type) for element in given or [])
    elif type_.type_kind == TypeKind.TYPE_STRUCT and given is not None:
        fields = type_.struct_type.field
        value.struct_value.field.extend(to_nested(given.get(field.field_name), field.field_type) for field in fields)
    elif given is not None:
        value = to_value(given, TYPES[type_.type_kind])
    return value


def from_value(value: ValueProto, type_: str) -> str | None:
    form = FORMS[type_]
    return form.to_text(getattr(value, form.field)) if value.WhichOneof("value") else None


def main() -> None:
    batch = json.load(sys.stdin)
    engine = Engine(Path(sys.argv[1]))
    engine.create_tables(batch["tables"])
    tables = {table.name: column_types(table.column) for table in engine.catalog.table if table.name in batch["described"]}
    json.dump({"tables": tables, "answers": [engine.run(question) for question in batch["questions"]]}, sys.stdout)


if __name__ == "__main__":
    main()
