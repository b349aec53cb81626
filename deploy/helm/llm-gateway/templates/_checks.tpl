{{- /* Refuses values that contradict each other, where one of them would be
passed over in silence. */ -}}
{{- define "llm-gateway.check" -}}
{{- $autoscaled := and .Values.autoscaling.enabled (not .Values.persistence.enabled) -}}
{{- if not (regexMatch "^[a-z]" .Release.Name) }}
{{- fail "the release's name must begin with a letter, as names of Services do" }}
{{- end }}
{{- if and .Values.persistence.enabled .Values.postgres.connection }}
{{- fail "persistence.enabled keeps the ledger on a volume, postgres.connection in a database: choose one" }}
{{- end }}
{{- if and .Values.persistence.enabled (gt (int (.Values.replicas | default 1)) 1) }}
{{- fail "replicas: with persistence.enabled there is one gateway, since no two may write one ledger" }}
{{- end }}
{{- if and $autoscaled .Values.replicas }}
{{- fail "replicas: autoscaling.enabled says how many there are; set autoscaling.minReplicas, or turn it off" }}
{{- end }}
{{- if gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas) }}
{{- fail "autoscaling.minReplicas is more than autoscaling.maxReplicas" }}
{{- end }}
{{- $cpu := or (get (.Values.resources.requests | default dict) "cpu") (get (.Values.resources.limits | default dict) "cpu") }}
{{- if and $autoscaled (not $cpu) }}
{{- fail "resources.requests.cpu: autoscaling.cpuPercent is a share of it" }}
{{- end }}
{{- if and .Values.redis.passwordKey (not .Values.redis.addresses) }}
{{- fail "redis.passwordKey is for redis.addresses, and there are none" }}
{{- end }}
{{- if and .Values.postgres.passwordKey (not .Values.postgres.connection) }}
{{- fail "postgres.passwordKey is for postgres.connection, and there is none" }}
{{- end }}
{{- with .Values.tls.certManager }}
{{- if and (not .enabled) (or .issuerName .dnsNames) }}
{{- fail "tls.certManager: issuerName and dnsNames are for enabled: true" }}
{{- end }}
{{- end }}
{{- range .Values.env }}
{{- if regexMatch "^LLM_GATEWAY_(PORT|LISTENERS_(GRPC|HTTP|OPERATIONS)_(ADDRESS|TLS_.*)|RUNTIME_(DRAIN_GRACE|STATE_DIR))$" .name }}
{{- fail (printf "env: %s: the pod is made by what config and drain say; say it there" .name) }}
{{- end }}
{{- end }}
{{- include "llm-gateway.checkConfig" . }}
{{- end -}}

{{- /* The same of `config` and what the pod is made by. */ -}}
{{- define "llm-gateway.checkConfig" -}}
{{- $config := include "llm-gateway.config" . | fromYaml -}}
{{- $runtime := $config.runtime | default dict -}}
{{- if ne (get $runtime "drain_grace" | default "" | toString) (printf "%ds" (int .Values.drain.graceSeconds)) }}
{{- fail "config.runtime.drain_grace: set drain.graceSeconds, by which the pod's time to end is reckoned" }}
{{- end }}
{{- if not (regexMatch "^/var/lib/llm-gateway(/|$)" (get $runtime "state_dir" | default "" | toString)) }}
{{- fail "config.runtime.state_dir: only /var/lib/llm-gateway can be written to" }}
{{- end }}
{{- $operations := $config.listeners.operations -}}
{{- if and (kindIs "map" $operations.tls) ($operations.tls | default dict).client_ca }}
{{- fail "config.listeners.operations.tls.client_ca: kubelet, which asks there, has no certificate" }}
{{- end }}
{{- if not .Values.persistence.enabled }}
{{- if and (hasKey $config "ledger") (not (dig "ledger" "postgres" "connection" "" $config)) }}
{{- fail "config.ledger: each pod's own would be gone with the pod; keep it in a database by postgres.connection, or on a volume by persistence.enabled" }}
{{- end }}
{{- if ne (dig "store" "engine" "" $config | toString) "redis" }}
{{- range list (list "sessions" (hasKey $config "sessions")) (list "auth.callers.issued_keys" (hasKey (dig "auth" "callers" dict $config) "issued_keys")) }}
{{- if index . 1 }}
{{- fail (printf "config.%s: other pods would not know what one keeps; share it by config.store.engine: redis and redis.addresses, or have one gateway by persistence.enabled" (index . 0)) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- include "llm-gateway.checkSecrets" (list "config" $config) }}
{{- $connection := dig "ledger" "postgres" "connection" "" $config -}}
{{- if regexMatch "(?i)password\\s*=|://[^/?]*:[^/?]*@[^/?]|[?&][^=&]*%[^=&]*=" (toString $connection) }}
{{- fail "postgres.connection, or config.ledger.postgres.connection: a password there would be in a ConfigMap; name its key in the Secret by postgres.passwordKey" }}
{{- end }}
{{- end -}}

{{- /* The fields of the configuration that name a secret, wherever they are, and
those that do so by what they are of, as patterns of paths. They are what the
contract marks (tests/kube/secret_fields_test.py). Of a provider's
headers and variables, those whose name says so; a webhook's headers, which take
no reference, are left to whoever writes them. */ -}}
{{- define "llm-gateway.secretFields" -}}
api_key credential key key_set_token password private_key sentinel_password signing_key
{{- end -}}
{{- define "llm-gateway.secretPlaces" -}}
[.]webhook[.]url$ ^config[.]tracing[.]headers\[[0-9]+\][.]value$
{{- end -}}

{{- define "llm-gateway.secretMaps" -}}
(?i)[.](http[.]headers|environment)[.]([^.]*[-_])?(authorization|auth|cookie|passwd|password|secret|token|(api|access|private|subscription)[-_]?key)$
{{- end -}}

{{- /* Refuses a secret that stands in `config` itself, and so would in a
ConfigMap; by (list PATH VALUE). */ -}}
{{- define "llm-gateway.checkSecrets" -}}
{{- $path := first . -}}
{{- $value := last . -}}
{{- $places := include "llm-gateway.secretPlaces" . | splitList " " | join "|" -}}
{{- $fields := include "llm-gateway.secretFields" . | splitList " " -}}
{{- if kindIs "map" $value -}}
{{- range $name, $each := $value -}}
{{- $place := printf "%s.%s" $path $name -}}
{{- if and (kindIs "string" $each) $each (not (regexMatch "^(env|file):" $each)) -}}
{{- if or (has $name $fields) (regexMatch $places $place) -}}
{{- fail (printf "%s: would be in a ConfigMap; put it into the Secret, and say file:/etc/llm-gateway/secrets/KEY here" $place) -}}
{{- end -}}
{{- if regexMatch (include "llm-gateway.secretMaps" .) $place -}}
{{- fail (printf "%s: sounds like a secret, and would be in a ConfigMap; a provider's key is api_key, and a variable can come by env of these values" $place) -}}
{{- end -}}
{{- end -}}
{{- include "llm-gateway.checkSecrets" (list $place $each) -}}
{{- end -}}
{{- else if kindIs "slice" $value -}}
{{- range $index, $each := $value -}}
{{- include "llm-gateway.checkSecrets" (list (printf "%s[%d]" $path $index) $each) -}}
{{- end -}}
{{- end -}}
{{- end -}}
