package runtime

import (
	"os"
	"strconv"
	"time"

	"feedstream/local/platform/manifest"
)

// environment is what a process is given: the declared one, the overlay, and what the platform itself sets.
// Port and instance are added for each process.
func environment(cfg *Config, spec *manifest.Function) map[string]string {
	return values(spec.Environment, cfg.Overlay, map[string]string{
		"FC_FUNCTION_NAME": spec.Name, "FC_FUNCTION_HANDLER": spec.Handler, "FC_FUNCTION_MEMORY_SIZE": strconv.Itoa(spec.MemoryMB),
		"FC_REGION": cfg.Region, "FC_ACCOUNT_ID": cfg.AccountID, "FC_FUNCTION_VERSION": "LATEST", "FC_FUNC_CODE_PATH": spec.CodeDir,
		"ALIBABA_CLOUD_ACCESS_KEY_ID": cfg.Credentials.AccessKeyID, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": cfg.Credentials.AccessKeySecret,
		"ALIBABA_CLOUD_SECURITY_TOKEN": cfg.Credentials.SecurityToken, "LISTEN_HOST": "127.0.0.1",
		"PATH": os.Getenv("PATH"), "HOME": os.Getenv("HOME"), "TMPDIR": os.Getenv("TMPDIR"),
	})
}

// ofProcess are the variables that only one process has.
func ofProcess(port int) map[string]string {
	return map[string]string{
		"FC_INSTANCE_ID": NewRequestID(), "FC_SERVER_PORT": strconv.Itoa(port), "FC_CUSTOM_LISTEN_PORT": strconv.Itoa(port),
	}
}

// headers are what the platform tells every invocation, the request's own id and path apart. Source:
// "Custom runtimes", common request headers.
func headers(cfg *Config, spec *manifest.Function) map[string]string {
	return map[string]string{
		"x-fc-access-key-id": cfg.Credentials.AccessKeyID, "x-fc-access-key-secret": cfg.Credentials.AccessKeySecret,
		"x-fc-security-token": cfg.Credentials.SecurityToken,
		"x-fc-function-name":  spec.Name, "x-fc-function-handler": spec.Handler,
		"x-fc-function-memory":  strconv.Itoa(spec.MemoryMB),
		"x-fc-function-timeout": strconv.Itoa(int(spec.Timeout / time.Second)),
		"x-fc-region":           cfg.Region, "x-fc-account-id": cfg.AccountID, "x-fc-qualifier": "LATEST",
	}
}
