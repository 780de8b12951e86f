// Starts Swagger UI on the page about the API.
const place = document.getElementById("api-docs");
window.SwaggerUIBundle({
  domNode: place,
  url: place.dataset.description,
  deepLinking: true,
  validatorUrl: null,
});
