{{/* What sidecars are made of, as the mesh reads it. */}}
{{- define "sluice.injection" -}}
{{- $injection := .Values.mesh.injection -}}
{{- $host := printf "%s-mesh.%s.svc" (include "sluice.name" .) .Release.Namespace -}}
{{- $settings := dict
  "image" (default (include "sluice.proxyImage" .) $injection.image)
  "imagePullPolicy" .Values.image.pullPolicy
  "xds" (printf "%s:15010" $host)
  "concurrency" $injection.concurrency
  "resources" $injection.resources -}}
{{- toJson $settings -}}
{{- end -}}

{{/* How the API server asks: (dict "root" . "name" "sluice-mesh" "caBundle" "..."). */}}
{{- define "sluice.injectionWebhook" -}}
clientConfig:
  service:
    name: {{ .name }}
    namespace: {{ .root.Release.Namespace }}
    path: /inject
    port: 443
  caBundle: {{ .caBundle }}
rules:
  - apiGroups: [""]
    apiVersions: [v1]
    operations: [CREATE]
    resources: [pods]
    scope: Namespaced
admissionReviewVersions: [v1]
sideEffects: None
# What others add to the pod later gets its probes rewritten, too.
reinvocationPolicy: IfNeeded
timeoutSeconds: 10
failurePolicy: {{ .root.Values.mesh.injection.failurePolicy }}
{{- end -}}
