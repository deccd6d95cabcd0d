// A Vulkan layer. Where the environment variable MACHINE_CODE_FILE names a file while a compute pipeline is made, the
// layer writes there what VK_KHR_pipeline_executable_properties tells of it:
//   statistic NAME = VALUE
//   text NAME = BYTES          followed by so many bytes and a newline: the driver's own listings
// Everything else goes to the driver as it is.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vulkan.h>
#include <vulkan/vk_layer.h>

// What lies below this layer. A process opens one device that is asked.
static struct {
  PFN_vkGetInstanceProcAddr instance;
  PFN_vkGetDeviceProcAddr device;
  PFN_vkCreateComputePipelines make;
  PFN_vkGetPipelineExecutablePropertiesKHR executables;
  PFN_vkGetPipelineExecutableStatisticsKHR statistics;
  PFN_vkGetPipelineExecutableInternalRepresentationsKHR texts;
} next;

static void *array_of(uint32_t count, size_t size, VkStructureType type) {
  char *all = calloc(count ? count : 1, size);
  for (uint32_t i = 0; i < count; i++) memcpy(all + i * size, &type, sizeof type);
  return all;
}

static void write_statistics(FILE *file, VkDevice device, const VkPipelineExecutableInfoKHR *executable) {
  uint32_t count = 0;
  next.statistics(device, executable, &count, NULL);
  VkPipelineExecutableStatisticKHR *all =
      array_of(count, sizeof *all, VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR);
  next.statistics(device, executable, &count, all);
  for (VkPipelineExecutableStatisticKHR *one = all; one < all + count; one++) {
    fprintf(file, "statistic %s = ", one->name);
    if (one->format == VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_FLOAT64_KHR) fprintf(file, "%.17g\n", one->value.f64);
    else if (one->format == VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_BOOL32_KHR) fprintf(file, "%u\n", one->value.b32);
    else fprintf(file, "%lld\n", (long long)one->value.i64);
  }
  free(all);
}

static void write_texts(FILE *file, VkDevice device, const VkPipelineExecutableInfoKHR *executable) {
  uint32_t count = 0;
  next.texts(device, executable, &count, NULL);
  VkPipelineExecutableInternalRepresentationKHR *all =
      array_of(count, sizeof *all, VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INTERNAL_REPRESENTATION_KHR);
  // The first call tells sizes, the second fills what was made for them.
  next.texts(device, executable, &count, all);
  for (uint32_t i = 0; i < count; i++) all[i].pData = calloc(1, all[i].dataSize + 1);
  next.texts(device, executable, &count, all);
  for (uint32_t i = 0; i < count; i++) {
    const size_t bytes = strlen(all[i].pData);
    if (all[i].isText) fprintf(file, "text %s = %zu\n%s\n", all[i].name, bytes, (char *)all[i].pData);
    free(all[i].pData);
  }
  free(all);
}

static void write_pipeline(const char *path, VkDevice device, VkPipeline pipeline) {
  FILE *file = fopen(path, "w");
  if (!file) {
    perror(path);
    return;
  }
  const VkPipelineInfoKHR info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_INFO_KHR, .pipeline = pipeline};
  uint32_t count = 0;
  next.executables(device, &info, &count, NULL);
  for (uint32_t i = 0; i < count; i++) {
    const VkPipelineExecutableInfoKHR executable = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR, .pipeline = pipeline, .executableIndex = i};
    write_statistics(file, device, &executable);
    write_texts(file, device, &executable);
  }
  fclose(file);
}

static VKAPI_ATTR VkResult VKAPI_CALL make_pipelines(VkDevice device, VkPipelineCache cache, uint32_t count,
                                                     const VkComputePipelineCreateInfo *infos,
                                                     const VkAllocationCallbacks *allocator, VkPipeline *made) {
  const char *path = getenv("MACHINE_CODE_FILE");
  if (!path || !*path) return next.make(device, cache, count, infos, allocator, made);
  VkComputePipelineCreateInfo *asking = malloc(count * sizeof *asking);
  for (uint32_t i = 0; i < count; i++) {
    asking[i] = infos[i];
    asking[i].flags |= VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR |
                       VK_PIPELINE_CREATE_CAPTURE_INTERNAL_REPRESENTATIONS_BIT_KHR;
  }
  // Without the cache: NVK cannot put a pipeline with its listings there.
  const VkResult result = next.make(device, VK_NULL_HANDLE, count, asking, allocator, made);
  for (uint32_t i = 0; i < count; i++)
    if (made[i]) write_pipeline(path, device, made[i]);
  free(asking);
  return result;
}

// The loader's link to what lies below, in the chain of a create-info. It must be moved on for the one below.
static void *link_of(const void *chain, VkStructureType type) {
  for (const VkLayerInstanceCreateInfo *at = chain; at; at = at->pNext)
    if (at->sType == type && at->function == VK_LAYER_LINK_INFO) return (void *)at;
  return NULL;
}

static VKAPI_ATTR VkResult VKAPI_CALL make_instance(const VkInstanceCreateInfo *info,
                                                    const VkAllocationCallbacks *allocator, VkInstance *made) {
  VkLayerInstanceCreateInfo *link = link_of(info->pNext, VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO);
  if (!link) return VK_ERROR_INITIALIZATION_FAILED;
  next.instance = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
  link->u.pLayerInfo = link->u.pLayerInfo->pNext;
  return ((PFN_vkCreateInstance)next.instance(NULL, "vkCreateInstance"))(info, allocator, made);
}

static VKAPI_ATTR VkResult VKAPI_CALL make_device(VkPhysicalDevice gpu, const VkDeviceCreateInfo *info,
                                                  const VkAllocationCallbacks *allocator, VkDevice *made) {
  VkLayerDeviceCreateInfo *link = link_of(info->pNext, VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO);
  if (!link) return VK_ERROR_INITIALIZATION_FAILED;
  const PFN_vkCreateDevice make =
      (PFN_vkCreateDevice)link->u.pLayerInfo->pfnNextGetInstanceProcAddr(NULL, "vkCreateDevice");
  next.device = link->u.pLayerInfo->pfnNextGetDeviceProcAddr;
  link->u.pLayerInfo = link->u.pLayerInfo->pNext;

  const uint32_t count = info->enabledExtensionCount;
  const char **names = malloc((count + 1) * sizeof *names);
  if (count) memcpy(names, info->ppEnabledExtensionNames, count * sizeof *names);
  names[count] = VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME;
  VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR feature = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR,
      .pNext = (void *)info->pNext,
      .pipelineExecutableInfo = VK_TRUE};
  VkDeviceCreateInfo asking = *info;
  asking.pNext = &feature;
  asking.enabledExtensionCount = count + 1;
  asking.ppEnabledExtensionNames = names;
  const VkResult result = make(gpu, &asking, allocator, made);
  free(names);
  if (result != VK_SUCCESS) return result;
  next.make = (PFN_vkCreateComputePipelines)next.device(*made, "vkCreateComputePipelines");
  next.executables =
      (PFN_vkGetPipelineExecutablePropertiesKHR)next.device(*made, "vkGetPipelineExecutablePropertiesKHR");
  next.statistics =
      (PFN_vkGetPipelineExecutableStatisticsKHR)next.device(*made, "vkGetPipelineExecutableStatisticsKHR");
  next.texts = (PFN_vkGetPipelineExecutableInternalRepresentationsKHR)next.device(
      *made, "vkGetPipelineExecutableInternalRepresentationsKHR");
  return VK_SUCCESS;
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL device_function(VkDevice device, const char *name) {
  if (!strcmp(name, "vkGetDeviceProcAddr")) return (PFN_vkVoidFunction)device_function;
  if (!strcmp(name, "vkCreateComputePipelines")) return (PFN_vkVoidFunction)make_pipelines;
  return next.device(device, name);
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL instance_function(VkInstance instance, const char *name) {
  if (!strcmp(name, "vkGetInstanceProcAddr")) return (PFN_vkVoidFunction)instance_function;
  if (!strcmp(name, "vkCreateInstance")) return (PFN_vkVoidFunction)make_instance;
  if (!strcmp(name, "vkCreateDevice")) return (PFN_vkVoidFunction)make_device;
  if (!strcmp(name, "vkGetDeviceProcAddr")) return (PFN_vkVoidFunction)device_function;
  return next.instance ? next.instance(instance, name) : NULL;
}

__attribute__((visibility("default"))) VKAPI_ATTR VkResult VKAPI_CALL
vkNegotiateLoaderLayerInterfaceVersion(VkNegotiateLayerInterface *version) {
  version->loaderLayerInterfaceVersion = 2;
  version->pfnGetInstanceProcAddr = instance_function;
  version->pfnGetDeviceProcAddr = device_function;
  version->pfnGetPhysicalDeviceProcAddr = NULL;
  return VK_SUCCESS;
}
