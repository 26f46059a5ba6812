package cloud

import (
	"context"
	"errors"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azblob "github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"gocloud.dev/blob"
	"gocloud.dev/blob/azureblob"

	"github.com/mlp-lang/mlp/lang/storeurl"
)

// openAzure finds credentials as Azure's tools do: AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN or AZURE_STORAGE_CONNECTION_STRING, else those of
// the environment, the machine or the Azure command line.
func openAzure(ctx context.Context, u storeurl.URL) (*blob.Bucket, service, error) {
	options := azureblob.NewDefaultServiceURLOptions()
	if account := u.Params[storeurl.StorageAccount]; account != "" {
		options.AccountName = account
	}
	if domain := u.Params[storeurl.Domain]; domain != "" {
		options.StorageDomain = domain
	}
	if protocol := u.Params[storeurl.Protocol]; protocol != "" {
		options.Protocol = protocol
	}
	if emulator := u.Params[storeurl.LocalEmulator]; emulator != "" {
		options.IsLocalEmulator = emulator == "true"
	}
	if options.AccountName == "" {
		return nil, nil, errNoAccount
	}
	url, err := azureblob.NewServiceURL(options)
	if err != nil {
		return nil, nil, err
	}
	client, err := azureblob.NewDefaultClient(url, azureblob.ContainerName(u.Bucket))
	if err != nil {
		return nil, nil, err
	}
	opened, err := azureblob.OpenBucket(ctx, client, nil)
	return opened, azureService{}, err
}

type azureService struct{}

func (azureService) startAfter(func(any) bool, string) {} // a list begins at its first key, and what comes before is dropped

func (azureService) encrypt(func(any) bool) {} // by the container's scope

// version is the ETag of a value that is being read, "" where the answer had none.
func (azureService) version(r *blob.Reader) string {
	var out azblob.DownloadStreamResponse
	if !r.As(&out) || out.ETag == nil {
		return ""
	}
	return string(*out.ETag)
}

// code is the HTTP status and Azure's own code of an error; 0 for one that is no answer of the service.
func (azureService) code(err error) (status int, code string) {
	var response *azcore.ResponseError
	if errors.As(err, &response) {
		return response.StatusCode, response.ErrorCode
	}
	return 0, ""
}
