-- A day's table of GA4's export, by Google's documentation of the export's schema. The wildcard over all days is one table here,
-- whose first column says which day's table a row stands in.
CREATE TABLE {{ table }} (
  _TABLE_SUFFIX STRING,
  event_date STRING,
  event_timestamp INT64,
  event_name STRING,
  event_params ARRAY<
    STRUCT<
      key STRING,
      value STRUCT<string_value STRING, int_value INT64, float_value FLOAT64, double_value FLOAT64>
    >
  >,
  event_previous_timestamp INT64,
  event_value_in_usd FLOAT64,
  event_bundle_sequence_id INT64,
  event_server_timestamp_offset INT64,
  user_id STRING,
  user_pseudo_id STRING,
  privacy_info STRUCT<analytics_storage STRING, ads_storage STRING, uses_transient_token STRING>,
  user_properties ARRAY<
    STRUCT<
      key STRING,
      value STRUCT<
        string_value STRING,
        int_value INT64,
        float_value FLOAT64,
        double_value FLOAT64,
        set_timestamp_micros INT64
      >
    >
  >,
  user_first_touch_timestamp INT64,
  user_ltv STRUCT<revenue FLOAT64, currency STRING>,
  device STRUCT<category STRING, mobile_brand_name STRING, operating_system STRING, language STRING>,
  geo STRUCT<city STRING, country STRING, continent STRING, region STRING, sub_continent STRING, metro STRING>,
  traffic_source STRUCT<name STRING, medium STRING, source STRING>,
  stream_id STRING,
  platform STRING,
  ecommerce STRUCT<
    total_item_quantity INT64,
    purchase_revenue_in_usd FLOAT64,
    purchase_revenue FLOAT64,
    refund_value_in_usd FLOAT64,
    refund_value FLOAT64,
    shipping_value_in_usd FLOAT64,
    shipping_value FLOAT64,
    tax_value_in_usd FLOAT64,
    tax_value FLOAT64,
    unique_items INT64,
    transaction_id STRING
  >,
  items ARRAY<
    STRUCT<
      item_id STRING,
      item_name STRING,
      price_in_usd FLOAT64,
      price FLOAT64,
      quantity INT64,
      item_revenue_in_usd FLOAT64,
      item_revenue FLOAT64
    >
  >
);
