// The API's own page: Swagger UI over the service's OpenAPI description, both served from here.
SwaggerUIBundle({ url: "/openapi.json", dom_id: "#docs", deepLinking: true, validatorUrl: null });
