{{- define "sallyport.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "sallyport.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains (include "sallyport.name" .) .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "sallyport.name" .) | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "sallyport.selector" -}}
app.kubernetes.io/name: {{ include "sallyport.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "sallyport.labels" -}}
{{ include "sallyport.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "sallyport.secretName" -}}
{{- if and .Values.secret.existing .Values.secret.files -}}
{{- fail "secret.existing and secret.files are both set: keep one of them" -}}
{{- end -}}
{{- if .Values.secret.existing -}}
{{- .Values.secret.existing -}}
{{- else if .Values.secret.files -}}
{{- include "sallyport.fullname" . -}}
{{- end -}}
{{- end -}}

{{/* The configuration file: what the user has written, and the addresses that the pod's ports lead to. */}}
{{- define "sallyport.config" -}}
{{- range list "address" "http_redirect_addr" "health_check_addr" "metrics_address" -}}
{{- if hasKey $.Values.config . -}}
{{- fail (printf "config.%s is the chart's to set, because the ports of the pod and the probes lead to it: remove it" .) -}}
{{- end -}}
{{- end -}}
{{- range list "idp_client_secret" "shared_secret" "cookie_secret" "signing_key" -}}
{{- if hasKey $.Values.config . -}}
{{- fail (printf "config.%s would stand in a ConfigMap, which many can read: put it into secret.files and name it by config.%s_file: /etc/sallyport/secrets/NAME" . .) -}}
{{- end -}}
{{- end -}}
{{- $own := dict "address" ":8443" "http_redirect_addr" ":8080" "health_check_addr" ":28080" "metrics_address" ":9090" -}}
{{- if .Values.tls.secrets -}}
{{- if hasKey .Values.config "certificates" -}}
{{- fail "config.certificates and tls.secrets are both set: keep one of them" -}}
{{- end -}}
{{- $certificates := list -}}
{{- range .Values.tls.secrets -}}
{{- $folder := printf "/etc/sallyport/tls/%s" . -}}
{{- $certificates = append $certificates (dict "cert" (printf "%s/tls.crt" $folder) "key" (printf "%s/tls.key" $folder)) -}}
{{- end -}}
{{- $_ := set $own "certificates" $certificates -}}
{{- end -}}
{{- toYaml (merge $own .Values.config) -}}
{{- end -}}
