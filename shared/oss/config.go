package oss

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"
)

// complete fills in the defaults and reports every bad value at once.
func (c *Config) complete() error {
	var problems []error
	if c.Endpoint != "" && !strings.Contains(c.Endpoint, "://") {
		c.Endpoint = "https://" + c.Endpoint
	}
	if problem := checkEndpoint(c.Endpoint); problem != "" {
		problems = append(problems, fmt.Errorf("OSS endpoint %q %s: write it like https://oss-cn-hangzhou.aliyuncs.com",
			c.Endpoint, problem))
	}
	if host, inFront := strings.CutPrefix(c.hostname(), c.Bucket+"."); inFront && c.Bucket != "" {
		problems = append(problems, fmt.Errorf("OSS endpoint %q begins with the bucket: write it like %s", c.Endpoint,
			strings.Replace(c.Endpoint, c.hostname(), host, 1)))
	}
	switch plain, prefixed := strings.CutPrefix(c.Region, "oss-"); {
	case c.Region == "":
		problems = append(problems, errors.New("OSS region is not set: signature V4 needs it, such as cn-hangzhou"))
	case prefixed:
		problems = append(problems, fmt.Errorf("OSS region %q: write %q, without oss-", c.Region, plain))
	}
	if err := oss.CheckBucketName(c.Bucket); err != nil {
		problems = append(problems, fmt.Errorf("OSS bucket %q: %w", c.Bucket, err))
	}
	if c.Timeout < 0 {
		problems = append(problems, fmt.Errorf("OSS timeout %v is negative", c.Timeout))
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	return errors.Join(problems...)
}

// checkEndpoint answers what is wrong with an endpoint, or nothing.
func checkEndpoint(endpoint string) string {
	u, err := url.Parse(endpoint)
	switch {
	case err != nil || u.Hostname() == "":
		return "has no host"
	case u.Scheme != "http" && u.Scheme != "https":
		return "is neither http nor https"
	case u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return "has more than scheme, host and port"
	}
	return ""
}

func (c *Config) hostname() string {
	u, err := url.Parse(c.Endpoint)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
