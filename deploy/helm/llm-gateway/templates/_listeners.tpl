{{- /* Where the gateway listens, as its configuration says, and whether by TLS:
{grpc: {port: 50051, tls: false}, ...}. */ -}}
{{- define "llm-gateway.listeners" -}}
{{- $config := include "llm-gateway.config" . | fromYaml -}}
{{- range $name := list "grpc" "http" "operations" }}
{{- $listener := get ($config.listeners | default dict) $name | default dict }}
{{- $address := get $listener "address" | default "127.0.0.1" }}
{{- if not (regexMatch "^(0\\.0\\.0\\.0|\\[::\\]):[1-9][0-9]*$" $address) }}
{{- fail (printf "config.listeners.%s.address: a pod is reached at 0.0.0.0:PORT or [::]:PORT, not at %s" $name $address) }}
{{- end }}
{{ $name }}:
  port: {{ regexFind "[0-9]+$" $address }}
  tls: {{ kindIs "map" (get $listener "tls") }}
{{- end }}
{{- end -}}

{{- /* What a Service says that is spoken at a listener; by (list LISTENER NAME). */ -}}
{{- define "llm-gateway.appProtocol" -}}
{{- ternary "https" (last .) (first .).tls -}}
{{- end -}}

{{- /* A question to the listener for operations; by (list LISTENER PATH). */ -}}
{{- define "llm-gateway.operationsProbe" -}}
httpGet: {path: {{ last . }}, port: operations{{ if (first .).tls }}, scheme: HTTPS{{ end }}}
{{- end -}}

{{- /* Whether a service of grpc.health.v1 serves, or all if that is empty; by
(list LISTENERS SERVICE). kubelet's gRPC probes know no TLS. */ -}}
{{- define "llm-gateway.readyProbe" -}}
{{- $at := first . -}}
{{- if $at.grpc.tls -}}
{{- include "llm-gateway.operationsProbe" (list $at.operations "/readyz") -}}
{{- else -}}
grpc: {port: {{ $at.grpc.port }}{{ with last . }}, service: {{ . }}{{ end }}}
{{- end -}}
{{- end -}}

{{- /* The ports beside 443 at which the configuration and the environment name
others: stores, providers, collectors; {ports: [6379, ...]}. */ -}}
{{- define "llm-gateway.ports" -}}
{{- $config := include "llm-gateway.config" . | fromYaml -}}
{{- $ports := list -}}
{{- range ($config.redis | default dict).addresses -}}
{{- $ports = append $ports (regexFind "[0-9]+$" . | default "6379") -}}
{{- end -}}
{{- with dig "ledger" "postgres" "connection" "" $config -}}
{{- $ports = concat $ports (include "llm-gateway.postgresPorts" . | fromJsonArray) -}}
{{- end -}}
{{- range .Values.env -}}
{{- /* PGPORT, and what needs no scheme, as OTLP_ENDPOINT. */ -}}
{{- $said := regexFind "^([-.\\w]+:|\\[[^\\]]*\\]:)?[0-9]+$" (get . "value" | default "" | toString) -}}
{{- if and $said (or (contains ":" $said) (eq .name "PGPORT")) -}}
{{- $ports = append $ports (regexFind "[0-9]+$" $said) -}}
{{- end -}}
{{- end -}}
{{- $usual := dict "http" "80" "https" "443" "redis" "6379" "rediss" "6379" -}}
{{- /* Listeners have the URLs of those who call. */ -}}
{{- $texts := toJson (list (omit $config "listeners") .Values.env) -}}
{{- range regexFindAll "(?i)(https?|rediss?)://[^/\"?#\\\\\\s]+" $texts -1 -}}
{{- $hosts := regexReplaceAll "\\[[^\\]]*\\]|^.*@" (last (splitList "://" .)) "" -}}
{{- $said := regexFindAll ":[0-9]+" $hosts -1 -}}
{{- range $said -}}{{- $ports = append $ports (trimPrefix ":" .) -}}{{- end -}}
{{- if not $said -}}{{- $ports = append $ports (get $usual (first (splitList "://" .) | lower)) -}}{{- end -}}
{{- end -}}
{{- $others := without ($ports | uniq) "443" -}}
{{- dict "ports" $others | toYaml -}}
{{- end -}}

{{- /* Those of a connection as libpq reads it, a URL or `name=value`, as JSON. */ -}}
{{- define "llm-gateway.postgresPorts" -}}
{{- $said := regexFind "(^|[\\s?&])port\\s*=\\s*'?[0-9]+([\\s,]+[0-9]+)*" . -}}
{{- if and (not $said) (contains "://" .) -}}
{{- $hosts := regexFind "^[^/?]*" (regexReplaceAll "^[^:]*://" . "") -}}
{{- $hosts = regexReplaceAll "^.*@|\\[[^\\]]*\\]" $hosts "" -}}
{{- $said = join " " (regexFindAll ":[0-9]+" $hosts -1) -}}
{{- end -}}
{{- regexFindAll "[0-9]+" ($said | default "5432") -1 | toJson -}}
{{- end -}}
