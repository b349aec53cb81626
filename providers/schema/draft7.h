// The schema of draft 7's schemas, for those that refer to it: what each
// keyword's value may be, in words of our own.

#ifndef PROVIDERS_SCHEMA_DRAFT7_H_
#define PROVIDERS_SCHEMA_DRAFT7_H_

namespace gateway {

inline constexpr char kDraft7Uri[] = "http://json-schema.org/draft-07/schema";

inline constexpr char kDraft7Schema[] = R"({
  "$id": "http://json-schema.org/draft-07/schema#",
  "type": ["object", "boolean"],
  "definitions": {
    "count": {"type": "integer", "minimum": 0},
    "names": {"type": "array", "uniqueItems": true,
              "items": {"type": "string"}},
    "map": {"type": "object", "additionalProperties": {"$ref": "#"}},
    "list": {"type": "array", "minItems": 1, "items": {"$ref": "#"}},
    "word": {"enum": ["array", "boolean", "integer", "null", "number",
                      "object", "string"]}
  },
  "properties": {
    "$comment": {"type": "string"},
    "$id": {"type": "string"},
    "$ref": {"type": "string"},
    "$schema": {"type": "string"},
    "additionalItems": {"$ref": "#"},
    "additionalProperties": {"$ref": "#"},
    "allOf": {"$ref": "#/definitions/list"},
    "anyOf": {"$ref": "#/definitions/list"},
    "contains": {"$ref": "#"},
    "contentEncoding": {"type": "string"},
    "contentMediaType": {"type": "string"},
    "definitions": {"$ref": "#/definitions/map"},
    "dependencies": {
      "type": "object",
      "additionalProperties": {
        "anyOf": [{"$ref": "#"}, {"$ref": "#/definitions/names"}]
      }
    },
    "description": {"type": "string"},
    "else": {"$ref": "#"},
    "enum": {"type": "array"},
    "examples": {"type": "array"},
    "exclusiveMaximum": {"type": "number"},
    "exclusiveMinimum": {"type": "number"},
    "format": {"type": "string"},
    "if": {"$ref": "#"},
    "items": {"anyOf": [{"$ref": "#"}, {"$ref": "#/definitions/list"}]},
    "maxItems": {"$ref": "#/definitions/count"},
    "maxLength": {"$ref": "#/definitions/count"},
    "maxProperties": {"$ref": "#/definitions/count"},
    "maximum": {"type": "number"},
    "minItems": {"$ref": "#/definitions/count"},
    "minLength": {"$ref": "#/definitions/count"},
    "minProperties": {"$ref": "#/definitions/count"},
    "minimum": {"type": "number"},
    "multipleOf": {"type": "number", "exclusiveMinimum": 0},
    "not": {"$ref": "#"},
    "oneOf": {"$ref": "#/definitions/list"},
    "pattern": {"type": "string"},
    "patternProperties": {"$ref": "#/definitions/map"},
    "properties": {"$ref": "#/definitions/map"},
    "propertyNames": {"$ref": "#"},
    "readOnly": {"type": "boolean"},
    "required": {"$ref": "#/definitions/names"},
    "then": {"$ref": "#"},
    "title": {"type": "string"},
    "type": {
      "anyOf": [
        {"$ref": "#/definitions/word"},
        {"type": "array", "minItems": 1, "uniqueItems": true,
         "items": {"$ref": "#/definitions/word"}}
      ]
    },
    "uniqueItems": {"type": "boolean"}
  }
})";

}  // namespace gateway

#endif  // PROVIDERS_SCHEMA_DRAFT7_H_
