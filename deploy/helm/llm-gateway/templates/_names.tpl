{{- define "llm-gateway.name" -}}
{{- if contains "llm-gateway" .Release.Name -}}
{{- .Release.Name | replace "." "-" | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-llm-gateway" .Release.Name | replace "." "-" | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "llm-gateway.selector" -}}
app.kubernetes.io/name: llm-gateway
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "llm-gateway.labels" -}}
{{ include "llm-gateway.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "llm-gateway.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{- define "llm-gateway.tlsSecret" -}}
{{- if .Values.tls.certManager.enabled -}}
{{- .Values.tls.secretName | default (printf "%s-tls" (include "llm-gateway.name" .)) -}}
{{- else -}}
{{- .Values.tls.secretName -}}
{{- end -}}
{{- end -}}

{{- /* The configuration: what the values say of it, over which `config` wins. */ -}}
{{- define "llm-gateway.config" -}}
{{- $secrets := "file:/etc/llm-gateway/secrets/" -}}
{{- $grpc := dict "address" "0.0.0.0:50051" -}}
{{- $http := dict "address" "0.0.0.0:8080" -}}
{{- if include "llm-gateway.tlsSecret" . -}}
{{- $tls := dict "cert_chain" "file:/etc/llm-gateway/tls/tls.crt" "private_key" "file:/etc/llm-gateway/tls/tls.key" -}}
{{- $_ := set $grpc "tls" $tls -}}
{{- $_ := set $http "tls" $tls -}}
{{- end -}}
{{- $config := dict "listeners" (dict "grpc" $grpc "http" $http "admin" (dict "address" "127.0.0.1:50052") "operations" (dict "address" "0.0.0.0:9464")) -}}
{{- $_ := set $config "runtime" (dict "state_dir" "/var/lib/llm-gateway" "drain_grace" (printf "%ds" (int .Values.drain.graceSeconds))) -}}
{{- if .Values.persistence.enabled -}}
{{- $_ := set $config "store" (dict "engine" "sqlite") -}}
{{- $_ := set $config "ledger" dict -}}
{{- end -}}
{{- if .Values.redis.addresses -}}
{{- $redis := dict "addresses" .Values.redis.addresses -}}
{{- if .Values.redis.passwordKey -}}
{{- $_ := set $redis "password" (print $secrets .Values.redis.passwordKey) -}}
{{- end -}}
{{- $_ := set $config "redis" $redis -}}
{{- if not .Values.persistence.enabled -}}
{{- /* What they share is divided by it while Redis is away: were it fewer than
run, they would grant more together than there is. */ -}}
{{- $_ := set $config.runtime "replicas" (int (ternary .Values.autoscaling.maxReplicas (.Values.replicas | default 2) .Values.autoscaling.enabled)) -}}
{{- end -}}
{{- end -}}
{{- if .Values.postgres.connection -}}
{{- $postgres := dict "connection" .Values.postgres.connection -}}
{{- if .Values.postgres.passwordKey -}}
{{- $_ := set $postgres "password" (print $secrets .Values.postgres.passwordKey) -}}
{{- end -}}
{{- $_ := set $config "ledger" (dict "postgres" $postgres) -}}
{{- end -}}
{{- $said := deepCopy (.Values.config | default dict) -}}
{{- /* The default of these values goes with the provider that it names. */ -}}
{{- $names := list -}}
{{- range $said.providers -}}{{- $names = append $names .name -}}{{- end -}}
{{- if and (regexMatch "^mock(/|$)" (toString (dig "routing" "default_target" "" $said))) (not (has "mock" $names)) -}}
{{- $_ := unset $said.routing "default_target" -}}
{{- end -}}
{{- $config = mergeOverwrite $config $said -}}
{{- include "llm-gateway.dropNulls" $config -}}
{{- toYaml $config -}}
{{- end -}}

{{- /* Takes out what is null: to the gateway it would be there, and empty. */ -}}
{{- define "llm-gateway.dropNulls" -}}
{{- $map := . -}}
{{- range $key, $value := $map -}}
{{- if kindIs "invalid" $value -}}
{{- $_ := unset $map $key -}}
{{- else if kindIs "map" $value -}}
{{- include "llm-gateway.dropNulls" $value -}}
{{- end -}}
{{- end -}}
{{- end -}}
